/**
 * One script's life on a host, in the order of `wire.ts`: greet, say, read the content, and believe it only after the
 * trailer. Disposing ends the process, at any moment and as often as wanted. A shell that reads on takes the next script
 * in a conversation of its own (`again`).
 *
 * Crash story: until `say` nothing of ours was sent, so nothing ran. From then on only the trailer tells what happened.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { invariant, isStillpointError, StillpointError } from '../base/errors.ts';
import { EXIT_GRACE_MS, NOISE_LIMIT } from './budgets.ts';
import type { RemoteScript } from './command.ts';
import { followStderr, type StderrTail } from './stderr-tail.ts';
import type { ExitStatus, RemoteProcess } from './transport.ts';
import {
  createNonce,
  formatGreeting,
  formatScript,
  formatTrailer,
  nonceLine,
  parseTrailer,
  READY_LENGTH,
  readyLine,
  type ScriptPlace,
  TRAILER_LENGTH,
} from './wire.ts';

/** The nonce came, or what came instead of it. */
export type Greeted =
  | { readonly reached: true }
  | {
      readonly reached: false;
      readonly why: 'ended' | 'too-much-noise';
      readonly noise: string;
      readonly stderr: string;
      readonly status: ExitStatus;
    };

export class Conversation implements Disposable {
  readonly stderr: StderrTail;
  readonly #host: string;
  readonly #process: RemoteProcess;
  readonly #nonce = createNonce();
  readonly #ears: Ears;
  #unread: Buffer = Buffer.alloc(0);
  #name = '';
  #readsOn = false;
  #hasBegun = false;
  #waitsForNext = false;

  constructor(host: string, process: RemoteProcess, ears: Ears = earsOf(process)) {
    this.#host = host;
    this.#process = process;
    this.#ears = ears;
    this.stderr = ears.stderr;
  }

  /** Whether the script said that it runs. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether all was said and heard, and the shell reads on. */
  get waitsForNext(): boolean {
    return this.#waitsForNext;
  }

  /** When the process has gone, however it went. */
  get gone(): Promise<unknown> {
    return this.#process.exited.catch(() => undefined);
  }

  /** The next one with the same shell, where it waits for that. */
  again(): Conversation {
    invariant(this.#waitsForNext, 'a shell that reads on was heard to its end');
    this.#waitsForNext = false;
    return new Conversation(this.#host, this.#process, this.#ears);
  }

  /** Writes to the process before the script runs: the greeting, or an answer to sudo. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const { stdin } = this.#process;
      if (stdin.destroyed || stdin.writableEnded) return resolve();
      stdin.once('close', resolve);
      stdin.write(bytes, () => {
        stdin.off('close', resolve);
        resolve();
      });
    });
  }

  /** Finds out whether our shell reads what we send. Bytes before the nonce are the login shell's and are dropped. */
  async greet(): Promise<Greeted> {
    await this.write(formatGreeting(this.#nonce));
    const line = nonceLine(this.#nonce);
    for (;;) {
      const at = this.#unread.indexOf(line);
      if (at >= 0) {
        this.#unread = this.#unread.subarray(at + line.length);
        return { reached: true };
      }
      if (this.#unread.length > NOISE_LIMIT) return await this.#unreached('too-much-noise');
      if (!(await this.#more())) return await this.#unreached('ended');
    }
  }

  /** Sends the script and waits until it says that it runs. */
  async say(script: RemoteScript & { readonly stderrBytes?: number }, place: ScriptPlace): Promise<void> {
    this.#name = script.name;
    this.#readsOn = place.readsOn;
    if (script.stderrBytes !== undefined) this.stderr.keep(script.stderrBytes);
    await this.write(formatScript(script, this.#nonce, place));
    if (!place.takesInput && !place.readsOn) this.#process.stdin.end();
    while (this.#unread.length < READY_LENGTH) if (!(await this.#more())) throw this.#incomplete('before it began');
    if (!this.#unread.subarray(0, READY_LENGTH).equals(readyLine(this.#nonce)))
      throw this.#incomplete('before it began');
    this.#unread = this.#unread.subarray(READY_LENGTH);
    this.#hasBegun = true;
  }

  /**
   * Sends input with back-pressure and closes the stream. The next chunk is asked for when the last one was handed to
   * the system, so that its memory can be used again. Resolves early when the far side stops reading.
   */
  async feed(input: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of input) {
      if (this.#process.stdin.destroyed) return;
      await this.write(chunk);
    }
    this.#process.stdin.end();
  }

  /** The content; returns the exit code of the trailer. Throws when the end comes without one. */
  async *content(): AsyncGenerator<Buffer, number> {
    for (;;) {
      const held = heldBack(this.#unread, this.#nonce);
      const ready = this.#unread.subarray(0, this.#unread.length - held);
      const tail = this.#unread.subarray(this.#unread.length - held);
      const exitCode = held === TRAILER_LENGTH ? parseTrailer(this.#nonce, tail) : undefined;
      this.#unread = tail;
      if (ready.length > 0) yield ready;
      if (exitCode !== undefined) {
        await this.#leave(exitCode);
        return exitCode;
      }
      if (!(await this.#more())) throw this.#incomplete('before its end');
    }
  }

  /** What came instead of the nonce so far, the end of it; empty when nothing came at all. */
  heard(): string {
    return `${this.#unread.subarray(-400).toString('utf8')}\n${this.stderr.text()}`.trim();
  }

  /** Everything that the process still prints, as text; for what answers without a nonce. */
  async rest(): Promise<string> {
    while (this.#unread.length < NOISE_LIMIT && (await this.#more()));
    return this.#unread.toString('utf8');
  }

  /** Standard error of the script itself, without what the login shell printed and without our marks. */
  ownStderr(): string {
    return this.stderr.text(readyLine(this.#nonce).toString('latin1'), `${this.#nonce}:`);
  }

  /** Whether {@link ownStderr} is all that the script said. */
  ownStderrIsWhole(): boolean {
    return this.stderr.isWhole(readyLine(this.#nonce).toString('latin1'), `${this.#nonce}:`);
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }

  async #more(): Promise<boolean> {
    try {
      const next: IteratorResult<Buffer, unknown> = await this.#ears.chunks.next();
      if (next.done === true) return false;
      const { value } = next;
      this.#unread = this.#unread.length === 0 ? value : Buffer.concat([this.#unread, value]);
      return true;
    } catch (error) {
      if (isStillpointError(error)) throw error;
      throw this.#incomplete('before its end', error);
    }
  }

  /** After the trailer: the other mark, then the process, where it ends; both are normally there already. */
  async #leave(exitCode: number): Promise<void> {
    const grace = new AbortController();
    const late = wait(EXIT_GRACE_MS, undefined, { signal: grace.signal }).catch(() => undefined);
    const heard = await Promise.race([
      this.stderr.seen(formatTrailer(this.#nonce, exitCode).toString('latin1')),
      late.then(() => false),
    ]);
    this.#waitsForNext = this.#readsOn && heard;
    if (this.#waitsForNext) return grace.abort();
    await Promise.race([this.#process.exited.catch(() => undefined), late]);
    grace.abort();
    this.#process.kill();
  }

  async #unreached(why: 'ended' | 'too-much-noise'): Promise<Greeted> {
    if (why === 'too-much-noise') this.#process.kill();
    const status = await this.#process.exited;
    const noise = this.#unread.subarray(-400).toString('utf8');
    return { reached: false, why, noise, stderr: this.stderr.text(), status };
  }

  #incomplete(when: string, cause?: unknown): StillpointError {
    return new StillpointError('read.incomplete', `"${this.#name}" on "${this.#host}" ended ${when}.`, {
      advice: 'Its output is not used. The process was ended on the host, or the connection to it; run it again.',
      details: { host: this.#host, command: this.#name, stderr: this.ownStderr() },
      cause,
      retry: 'maybe',
    });
  }
}

/** What hears a process, for as long as it lives. */
interface Ears {
  readonly chunks: AsyncIterator<Buffer>;
  readonly stderr: StderrTail;
}

function earsOf(process: RemoteProcess): Ears {
  // A failed write shows as a stream that ends without a trailer, with a better story than EPIPE.
  process.stdin.on('error', () => undefined);
  const chunks = process.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return { chunks, stderr: followStderr(process.stderr) };
}

/** How many bytes at the end may be the beginning of the trailer and cannot be given out yet. */
function heldBack(bytes: Buffer, nonce: string): number {
  const first = nonce.charCodeAt(0);
  for (let at = Math.max(0, bytes.length - TRAILER_LENGTH); at < bytes.length; at += 1) {
    if (bytes[at] === first && mayBeTrailer(bytes.toString('latin1', at), nonce)) return bytes.length - at;
  }
  return 0;
}

function mayBeTrailer(tail: string, nonce: string): boolean {
  const head = `${nonce}:`;
  return tail.length <= head.length
    ? head.startsWith(tail)
    : tail.startsWith(head) && /^\d{1,3}\n?$/.test(tail.slice(head.length));
}
