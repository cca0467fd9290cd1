/**
 * Buffers in which content is gathered, used again when a worker has emptied them: the system takes as long to give a page of
 * new memory as the search for borders takes to look at it.
 */
import { release } from '../../base/release.ts';

export const PORTION_BYTES = 1024 * 1024;
const MOST_FREE = 4;

export class Portions {
  readonly #free: Buffer[] = [];

  /** @param bytes how many are still to come. Anything may be in it. */
  take(bytes: number): Buffer {
    if (bytes < PORTION_BYTES) return Buffer.from(new ArrayBuffer(Math.max(1, bytes)));
    return this.#free.pop() ?? Buffer.from(new ArrayBuffer(PORTION_BYTES));
  }

  giveBack(portion: Uint8Array): void {
    if (portion.buffer.byteLength !== PORTION_BYTES || this.#free.length >= MOST_FREE) release(portion);
    else this.#free.push(Buffer.from(portion.buffer));
  }
}
