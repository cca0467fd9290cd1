/**
 * One SFTP conversation: requests with numbers, any number of them on their way at once, answers in any order.
 *
 * It ends with the server's process, with the first thing that cannot be understood, and when a request has had no answer
 * for too long (`silence.ts`): a save that hangs until the user cancels it would hold up its job forever.
 *
 * When it ends, for whatever reason, every request that waits fails with the same StillpointError, and so does every
 * later one: a conversation never heals, a new one is opened.
 */
import { abortable, deadline } from '../../base/cancel.ts';
import { isStillpointError, type StillpointError } from '../../base/errors.ts';
import { followStderr, type StderrTail } from '../stderr-tail.ts';
import type { RemoteProcess } from '../transport.ts';
import { PacketReader, PacketSplitter, packet, REPLY, REQUEST, uint32 } from './packets.ts';
import { conversationOver, hanging, noise, silent, tooOld, unreadable } from './sftp-errors.ts';
import { type Silence, untilSilent } from './silence.ts';

export interface Reply {
  readonly type: number;
  readonly body: PacketReader;
}

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** OpenSSH's limit is 256 KiB. What claims to be longer is text of a login shell, read as a number. */
const LONGEST_PACKET = 1024 * 1024;
const VERSION = 3;

export class SftpConversation {
  readonly #host: string;
  readonly #process: RemoteProcess;
  readonly #stderr: StderrTail;
  readonly #splitter = new PacketSplitter(LONGEST_PACKET);
  readonly #pending = new Map<number, Pending>();
  readonly #greeting = Promise.withResolvers<PacketReader>();
  #hasGreeted = false;
  #nextId = 1;
  #over: StillpointError | undefined;
  readonly #silence: Silence;
  /** While requests wait. */
  #watching: AbortController | undefined;
  /** When the server was last heard, or asked while it had nothing to do. */
  #quietSinceMs = 0;

  constructor(host: string, process: RemoteProcess, silence: Silence) {
    this.#host = host;
    this.#process = process;
    this.#silence = silence;
    this.#stderr = followStderr(process.stderr);
    this.#greeting.promise.catch(() => undefined);
    const lose = (error: Error): void => this.#lose(error);
    process.stdout.on('data', (chunk: Buffer) => this.#receive(chunk));
    process.stdout.on('end', () => void this.#onEnd());
    process.stdout.on('close', () => void this.#onEnd());
    process.stdout.on('error', lose);
    process.stdin.on('error', lose);
    process.exited.catch(lose);
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** The extensions that the server names. Ends the conversation when it fails. */
  async greet(budgetMs: number, signal: AbortSignal): Promise<ReadonlySet<string>> {
    using limit = deadline(signal, budgetMs, () => silent(this.#host, budgetMs));
    try {
      this.#process.stdin.write(packet(REQUEST.init, [uint32(VERSION)]));
      const body = await abortable(this.#greeting.promise, limit.signal);
      const version = body.uint32();
      if (version < VERSION) throw tooOld(this.#host, version);
      const extensions = new Set<string>();
      while (!body.isAtEnd) {
        extensions.add(body.text());
        body.bytes(); // the extension's own version
      }
      return extensions;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  ask(type: number, fields: readonly Uint8Array[]): Promise<Reply> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const id = this.#nextId;
    this.#nextId = id === 0xffffffff ? 1 : id + 1;
    if (this.#pending.size === 0) void this.#watch();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#process.stdin.write(packet(type, [uint32(id), ...fields]));
    });
  }

  end(): void {
    this.#lose(conversationOver(this.#host, 'we closed it', undefined));
  }

  #receive(chunk: Buffer): void {
    if (this.#over !== undefined) return;
    this.#quietSinceMs = this.#silence.clock.monotonicMs();
    this.#silence.lastHeard.ms = this.#quietSinceMs;
    const packets = this.#splitter.push(chunk);
    if (packets === undefined) return this.#lose(noise(this.#host, chunk));
    try {
      for (const bytes of packets) this.#take(new PacketReader(bytes));
    } catch (cause) {
      this.#lose(unreadable(this.#host, cause));
    }
  }

  #take(body: PacketReader): void {
    const type = body.uint8();
    if (!this.#hasGreeted) {
      if (type !== REPLY.version) throw new Error(`its greeting is a packet of type ${type}`);
      this.#hasGreeted = true;
      this.#greeting.resolve(body);
      return;
    }
    const id = body.uint32();
    const pending = this.#pending.get(id);
    if (pending === undefined) throw new Error(`it answered request ${id}, which nobody asked`);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#watching?.abort();
    pending.resolve({ type, body });
  }

  async #watch(): Promise<void> {
    const watching = new AbortController();
    this.#watching = watching;
    this.#quietSinceMs = this.#silence.clock.monotonicMs();
    try {
      await untilSilent(this.#silence, () => this.#quietSinceMs, watching.signal);
      this.#lose(hanging(this.#host, this.#silence.silenceMs));
    } catch (error) {
      if (!watching.signal.aborted) this.#lose(error as Error);
    }
  }

  /** The far side closed its output: by itself, or with the connection. */
  async #onEnd(): Promise<void> {
    if (this.#over !== undefined) return;
    try {
      const { code } = await this.#process.exited;
      const how = code === undefined ? 'the other side closed it' : `its program ended with code ${code}`;
      this.#lose(conversationOver(this.#host, how, this.#stderr.text()));
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  #lose(error: Error): void {
    if (this.#over !== undefined) return;
    const reason = isStillpointError(error) ? error : conversationOver(this.#host, error.message, undefined, error);
    this.#over = reason;
    this.#greeting.reject(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    this.#watching?.abort();
    this.#process.kill();
  }
}
