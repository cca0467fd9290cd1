/** The content of one entry, between its header and the next one. */
import { invariant } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { incomplete } from './errors.ts';

/** The stored bytes of one entry; a single pass, hand-written because small files come by the hundred thousand. */
export class StoredContent implements AsyncIterable<Buffer>, AsyncIterator<Buffer> {
  readonly #source: ByteSource;
  #remaining: number;
  #open = true;

  /** What has been taken from the source for it. */
  #taken: Buffer | undefined;

  /** @param content its size, or all of it */
  constructor(source: ByteSource, content: number | Buffer) {
    this.#source = source;
    this.#taken = typeof content === 'number' ? undefined : content;
    this.#remaining = typeof content === 'number' ? content : 0;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer>> {
    invariant(this.#open, 'the content of an entry is read before the next entry is asked for');
    const taken = this.#taken;
    if (taken !== undefined && taken.length > 0) {
      this.#taken = undefined;
      return { done: false, value: taken };
    }
    if (this.#remaining === 0) return { done: true, value: undefined };
    for (;;) {
      const value = this.#source.tryTakeSome(this.#remaining);
      if (value) {
        this.#remaining -= value.length;
        return { done: false, value };
      }
      if (!(await this.#source.more())) throw incomplete(this.#source.position, 'the content of a file was whole');
    }
  }

  /** Goes to the end of what follows it, at once where that has come. */
  finish(padding: number): Promise<void> | undefined {
    this.#open = false;
    const left = this.#remaining + padding;
    if (left === 0 || this.#source.tryTake(left) !== undefined) return undefined;
    return this.#source.skip(left, 'the content of a file was whole');
  }
}
