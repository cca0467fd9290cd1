/** Bytes from one who writes to one who reads, in pieces of a sixth of a megabyte; who writes faster than is read waits. */
import { once } from '../../base/once.ts';
import type { EntryOut } from './entry-sink.ts';

const PIECE_BYTES = 160 * 1024;

export class ByteChannel implements EntryOut, AsyncIterable<Uint8Array> {
  readonly #buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #filled = 0;
  #isFull = false;
  #isEnded = false;
  #failure: Error | undefined;
  #toRead = once();
  #toWrite = once();

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      await this.#room();
      const taken = Math.min(rest.length, PIECE_BYTES - this.#filled);
      this.#buffer.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#filled === PIECE_BYTES) this.#hand();
    }
  }

  /** Resolves when all was read. */
  async end(): Promise<void> {
    await this.#room();
    this.#isEnded = true;
    this.#hand();
    await this.#room();
  }

  /** Nobody reads any more: whoever writes is told why. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#toRead.resolve();
    this.#toWrite.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      while (!this.#isFull && this.#failure === undefined) {
        this.#toRead = once();
        await this.#toRead.promise;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#filled > 0) yield this.#buffer.subarray(0, this.#filled);
      this.#filled = 0;
      this.#isFull = false;
      this.#toWrite.resolve();
      if (this.#isEnded) return;
    }
  }

  #hand(): void {
    this.#isFull = true;
    this.#toRead.resolve();
  }

  async #room(): Promise<void> {
    while (this.#isFull && this.#failure === undefined) {
      this.#toWrite = once();
      await this.#toWrite.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }
}
