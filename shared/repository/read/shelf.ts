/** Memory for many small pieces in a row: buffers of their own would cost more than what is in them. */

/** A shelf is as long as what is expected, and at most this. */
const MOST_BYTES = 4 * 1024 * 1024;

export class Shelf {
  #board = Buffer.alloc(0);
  #at = 0;
  #expected: number;

  /** @param expected how many bytes will be taken, as far as anybody knows */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /** Room for so many bytes, which may be given out again unless they are taken. */
  room(bytes: number): Buffer {
    if (this.#board.length - this.#at < bytes) {
      this.#board = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(this.#expected, MOST_BYTES)));
      this.#at = 0;
    }
    return this.#board.subarray(this.#at, this.#at + bytes);
  }

  /** Keeps so many bytes of the room that was given out last. */
  take(bytes: number): void {
    this.#at += bytes;
    this.#expected -= bytes;
  }
}
