/**
 * Buffers in which content is gathered, used again when a worker has emptied them: the system takes as long to give a page of
 * new memory as the search for borders takes to look at it.
 */
export const PORTION_BYTES = 1024 * 1024;
/** One that is filled, those of an open piece, and one that is on its way. */
const MOST_FREE = 4;

export class Portions {
  #free: Buffer[] = [];

  /** @param bytes how many are still to come */
  take(bytes: number): Buffer {
    if (bytes < PORTION_BYTES) return Buffer.from(new ArrayBuffer(Math.max(1, bytes)));
    return this.#free.pop() ?? Buffer.from(new ArrayBuffer(PORTION_BYTES));
  }

  /** Whatever is in it. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === PORTION_BYTES && this.#free.length < MOST_FREE)
      this.#free.push(Buffer.from(buffer as ArrayBuffer));
  }
}
