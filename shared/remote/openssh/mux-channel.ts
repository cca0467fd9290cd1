/**
 * One session channel of RFC 4254 as a RemoteProcess. Back-pressure is the protocol's own: the window of what the host
 * may send opens as its reader reads, and a write is finished when it went out within the window that the host gave.
 */
import { Readable, Writable } from 'node:stream';
import type { ExitStatus, RemoteProcess } from '../transport.ts';
import { type ChannelRequest, dataHead, type Fields, frame, MESSAGE, text, uint32 } from './mux-wire.ts';

/** What the host may have on its way to us, for both outputs together. */
const WINDOW = 2 * 1024 * 1024;
const LONGEST_DATA = 64 * 1024;

/** Large enough that reading and deciphering overlap, small enough that many channels stay cheap. */
const READ_AHEAD = 256 * 1024;

export interface ChannelPorts {
  send(parts: readonly Buffer[], done?: () => void): void;
  /** Why the connection is gone; undefined while it lives. */
  lost(): Error | undefined;
  forget(): void;
  onClose(): void;
}

export class MuxChannel {
  readonly #id: number;
  readonly #ports: ChannelPorts;
  readonly #exit = Promise.withResolvers<ExitStatus>();
  readonly #answer = Promise.withResolvers<boolean>();
  readonly #stdin: Writable;
  readonly #stdout: Readable;
  readonly #stderr: Readable;
  #request: ChannelRequest | undefined;
  #remoteId: number | undefined;
  #sendWindow = 0;
  #longestSend = 0;
  #waiting: (() => void) | undefined;
  /** Bytes that were received and whose window was not given back yet. */
  #owed = 0;
  #isOpen = true;
  #isKilled = false;
  #hasExited = false;
  #sentClose = false;
  readonly process: RemoteProcess;

  constructor(id: number, ports: ChannelPorts) {
    this.#id = id;
    this.#ports = ports;
    this.#exit.promise.catch(() => undefined);
    this.#answer.promise.catch(() => undefined);
    this.#stdin = new Writable({
      highWaterMark: READ_AHEAD,
      write: (chunk: Buffer, _encoding, callback) => this.#write(chunk, callback),
      final: (callback) => {
        if (this.#isOpen) this.#tell(MESSAGE.eof);
        callback();
      },
    });
    this.#stdin.on('error', () => undefined);
    this.#stdout = this.#output();
    this.#stderr = this.#output();
    this.process = {
      stdin: this.#stdin,
      stdout: this.#stdout,
      stderr: this.#stderr,
      exited: this.#exit.promise,
      kill: () => this.#kill(),
    };
  }

  openMessage(): Buffer {
    return frame(MESSAGE.open, [text('session'), uint32(this.#id), uint32(WINDOW), uint32(LONGEST_DATA)]);
  }

  /** False when the server refuses the channel, or the subsystem that it is for. */
  opened(request: ChannelRequest): Promise<boolean> {
    this.#request = request;
    return this.#answer.promise;
  }

  receive(code: number | undefined, bytes: Buffer): void {
    this.#owed += bytes.length;
    const output = code === undefined ? this.#stdout : this.#stderr;
    // What is no longer wanted is read and dropped, so that the far side's close is reached.
    const isFull = this.#isOpen && !output.destroyed && (code ?? 1) === 1 && !output.push(bytes);
    if (!isFull && this.#owed >= WINDOW / 4) this.#giveBack();
  }

  told(type: number, fields: Fields): void {
    switch (type) {
      case MESSAGE.openConfirmation:
        return this.#confirmed(fields);
      case MESSAGE.openFailure:
        this.#ports.forget();
        this.#answer.resolve(false);
        return this.#close();
      case MESSAGE.windowAdjust:
        this.#sendWindow += fields.uint32();
        return this.#goOn();
      case MESSAGE.success:
        return this.#answer.resolve(true);
      case MESSAGE.failure:
        if (this.#request?.kind === 'exec') return this.#refused();
        this.#answer.resolve(false);
        return this.#kill();
      case MESSAGE.request:
        return this.#requested(fields);
      case MESSAGE.eof:
        return this.#endOutputs();
      case MESSAGE.close:
        this.#sendClose();
        this.#ports.forget();
        this.#endOutputs();
        return this.#close();
      default:
    }
  }

  lineLost(): void {
    const error = this.#ports.lost();
    this.#answer.reject(error);
    this.#stdout.destroy(error);
    this.#stderr.destroy(error);
    this.#close();
  }

  #confirmed(fields: Fields): void {
    this.#remoteId = fields.uint32();
    this.#sendWindow = fields.uint32();
    this.#longestSend = fields.uint32();
    if (this.#isKilled || this.#request === undefined) return this.#sendClose();
    const { kind, value } = this.#request;
    this.#tell(MESSAGE.request, [text(kind), Buffer.of(1), text(value)]);
    // A server that has a channel for us runs a command line in it: what is said to that may follow at once.
    if (kind === 'exec') this.#answer.resolve(true);
  }

  /** Like a command that ended before it began to speak. */
  #refused(): void {
    this.#sendClose();
    this.#endOutputs();
    this.#close();
  }

  #requested(fields: Fields): void {
    const what = fields.text();
    const wantsAnswer = fields.uint8() !== 0;
    if (what === 'exit-status') this.#exited({ code: fields.uint32(), signal: undefined });
    else if (what === 'exit-signal') this.#exited({ code: undefined, signal: `SIG${fields.text()}` });
    if (wantsAnswer) this.#tell(MESSAGE.failure);
  }

  #exited(status: ExitStatus): void {
    this.#hasExited = true;
    this.#exit.resolve(status);
  }

  #write(chunk: Buffer, callback: (error?: Error | null) => void): void {
    const step = (from: number): void => {
      if (!this.#isOpen) return callback(this.#ports.lost() ?? new Error('the channel is closed'));
      const length = Math.min(chunk.length - from, this.#sendWindow, this.#longestSend);
      if (length === 0) {
        this.#waiting = () => step(from);
        return;
      }
      this.#sendWindow -= length;
      const rest = chunk.length - from - length;
      const parts = [dataHead(this.#remoteId ?? 0, length), chunk.subarray(from, from + length)];
      if (rest === 0) return this.#ports.send(parts, () => callback());
      this.#ports.send(parts);
      step(from + length);
    };
    if (chunk.length === 0) callback();
    else step(0);
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  #output(): Readable {
    const output = new Readable({ highWaterMark: READ_AHEAD, read: () => this.#giveBack() });
    output.on('error', () => undefined);
    return output;
  }

  #giveBack(): void {
    if (this.#owed === 0 || this.#remoteId === undefined || this.#sentClose) return;
    const owed = this.#owed;
    this.#owed = 0;
    this.#tell(MESSAGE.windowAdjust, [uint32(owed)]);
  }

  #endOutputs(): void {
    for (const output of [this.#stdout, this.#stderr]) {
      if (!output.destroyed && !output.readableEnded && this.#isOpen) output.push(null);
    }
  }

  #kill(): void {
    this.#isKilled = true;
    if (this.#isOpen && this.#remoteId !== undefined && this.#ports.lost() === undefined) {
      // What an ended script left behind on purpose is in its group, and is not ours to end.
      if (!this.#hasExited) this.#tell(MESSAGE.request, [text('signal'), Buffer.of(0), text('TERM')]);
      this.#sendClose();
    }
    this.#stdout.destroy();
    this.#stderr.destroy();
    this.#close();
  }

  #sendClose(): void {
    if (this.#sentClose || this.#remoteId === undefined) return;
    this.#sentClose = true;
    this.#ports.send([frame(MESSAGE.close, [uint32(this.#remoteId)])]);
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const error = this.#ports.lost();
    if (error === undefined) this.#exit.resolve({ code: undefined, signal: undefined });
    else this.#exit.reject(error);
    this.#stdin.destroy(error);
    this.#goOn();
    this.#ports.onClose();
  }

  #tell(type: number, fields: readonly Buffer[] = []): void {
    if (this.#remoteId === undefined || this.#sentClose) return;
    this.#ports.send([frame(type, [uint32(this.#remoteId), ...fields])]);
  }
}
