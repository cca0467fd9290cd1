/** A cursor over incoming chunks. What lies in one chunk is handed out without a copy and without waiting. */
import { incomplete } from './errors.ts';

const NOTHING = Buffer.alloc(0);

export class ByteSource {
  /** The absolute offset of the next unread byte. */
  position = 0;
  #chunk: Buffer = NOTHING;
  #at = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes when the present chunk has them all. */
  tryTake(length: number): Buffer | undefined {
    const end = this.#at + length;
    if (end > this.#chunk.length) return undefined;
    const slice = this.#chunk.subarray(this.#at, end);
    this.position += length;
    if (end < this.#chunk.length) this.#at = end;
    // Who has all of it may give its memory away.
    else this.#forget();
    return slice;
  }

  #forget(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
  }

  /** Between 1 and `limit` bytes when the present chunk has any. */
  tryTakeSome(limit: number): Buffer | undefined {
    const here = this.#chunk.length - this.#at;
    return here === 0 ? undefined : this.tryTake(Math.min(here, limit));
  }

  /** Exactly `length` bytes; copied when they lie across chunks. `what` names them should the stream end early. */
  async take(length: number, what: string): Promise<Buffer> {
    const whole = this.tryTake(length);
    if (whole) return whole;
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const part = this.tryTakeSome(missing);
      if (part) {
        parts.push(part);
        missing -= part.length;
      } else if (!(await this.more())) {
        throw incomplete(this.position, what);
      }
    }
    return Buffer.concat(parts, length);
  }

  async skip(length: number, what: string): Promise<void> {
    let missing = length;
    while (missing > 0) {
      const part = this.tryTakeSome(missing);
      if (part) missing -= part.length;
      else if (!(await this.more())) throw incomplete(this.position, what);
    }
  }

  /** Waits for the next chunk, once the present one is used up; false at the end of the stream. */
  async more(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      const { value } = next;
      if (value.length === 0) continue;
      this.#chunk = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      this.#at = 0;
      return true;
    }
  }

  /** Tells the producer that no more is wanted. */
  async close(): Promise<void> {
    this.#forget();
    await this.#chunks.return?.();
  }
}
