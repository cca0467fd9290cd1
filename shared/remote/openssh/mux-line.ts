/**
 * The channels of one connection that OpenSSH's client holds for us, over its control socket.
 *
 * Crash story: when we die the socket closes, and the client closes our channels on the host; the client itself is
 * ended by its guard (`client.ts`).
 */
import { connect, type Socket } from 'node:net';
import { abortable } from '../../base/cancel.ts';
import type { RemoteProcess } from '../transport.ts';
import { MuxChannel } from './mux-channel.ts';
import { type ChannelRequest, type Fields, frame, greeting, MESSAGE, MuxReader, text, uint32 } from './mux-wire.ts';

export class MuxLine {
  readonly #socket: Socket;
  readonly #channels = new Map<number, MuxChannel>();
  readonly #greeted = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #whyLost: () => Promise<Error>;
  #lost: Error | undefined;
  #nextId = 0;
  #isOver = false;
  #error: Error | undefined;
  heardAtMs = performance.now();

  /** `whyLost` tells why the connection is gone, for everything that waits when the socket closes. */
  static async connect(path: string, whyLost: () => Promise<Error>, signal: AbortSignal): Promise<MuxLine> {
    const line = new MuxLine(connect(path), whyLost);
    try {
      await abortable(line.#greeted.promise, signal);
      return line;
    } catch (error) {
      line.close();
      throw error;
    }
  }

  private constructor(socket: Socket, whyLost: () => Promise<Error>) {
    this.#socket = socket;
    this.#whyLost = whyLost;
    this.#greeted.promise.catch(() => undefined);
    const reader = new MuxReader({
      greeted: () => this.#greeted.resolve(),
      message: (type, fields) => this.#receive(type, fields),
      data: (id, code, bytes) => this.#channels.get(id)?.receive(code, bytes),
    });
    socket.on('data', (chunk: Buffer) => {
      this.heardAtMs = performance.now();
      try {
        reader.push(chunk);
      } catch (error) {
        this.#error = error as Error;
        socket.destroy();
      }
    });
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => void this.#end());
    socket.write(greeting());
  }

  /** Why the socket failed by itself, where it did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Resolves when the socket is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Undefined when the server refuses. `onClose` is called once, when the channel is gone. */
  async open(request: ChannelRequest, onClose: () => void, signal: AbortSignal): Promise<RemoteProcess | undefined> {
    signal.throwIfAborted();
    if (this.#isOver) throw this.#lost ?? (await this.#whyLost());
    const id = this.#nextId++;
    const channel = new MuxChannel(id, {
      send: (bytes, done) => this.#send(bytes, done),
      lost: () => this.#lost,
      forget: () => this.#channels.delete(id),
      onClose,
    });
    this.#channels.set(id, channel);
    this.#send([channel.openMessage()]);
    try {
      return (await abortable(channel.opened(request), signal)) ? channel.process : undefined;
    } catch (error) {
      channel.process.kill();
      throw error;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(parts: readonly Buffer[], done?: () => void): void {
    if (this.#isOver) return done?.();
    this.#socket.cork();
    const last = parts.length - 1;
    for (const [index, part] of parts.entries()) this.#socket.write(part, index === last ? done : undefined);
    this.#socket.uncork();
  }

  #receive(type: number, fields: Fields): void {
    if (type === MESSAGE.globalRequest) {
      fields.text();
      if (fields.uint8() !== 0) this.#send([frame(MESSAGE.requestFailure, [])]);
      return;
    }
    if (type === MESSAGE.open) {
      // A channel that the host wants to open to us: we offer nothing that it could reach.
      fields.text();
      const prohibited = 1;
      const answer = [uint32(fields.uint32()), uint32(prohibited), text(''), text('')];
      return this.#send([frame(MESSAGE.openFailure, answer)]);
    }
    if (type > MESSAGE.open && type <= MESSAGE.failure) this.#channels.get(fields.uint32())?.told(type, fields);
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    this.#lost = await this.#whyLost();
    this.#greeted.reject(this.#error ?? new Error('it closed the control socket'));
    for (const channel of [...this.#channels.values()]) channel.lineLost();
    this.#channels.clear();
    this.#closed.resolve();
  }
}
