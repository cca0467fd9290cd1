/** A content that one piece can hold whatever is in it: it is gathered, and is one blob. Most files are no more than that. */
import { invariant } from '../../base/errors.ts';
import type { BlobId } from '../ids.ts';
import type { PendingPieces } from '../pieces.ts';
import type { ContentInput, PendingBlob, SavedBlob } from '../repository.ts';

type Put = (data: Uint8Array, signal: AbortSignal) => Promise<PendingBlob>;

export class ShortContent implements ContentInput {
  readonly #put: Put;
  readonly #onPieces: ((pieces: PendingPieces) => void) | undefined;
  readonly #data: Uint8Array;
  #filled = 0;

  constructor(size: number, put: Put, onPieces: ((pieces: PendingPieces) => void) | undefined) {
    this.#put = put;
    this.#onPieces = onPieces;
    this.#data = new Uint8Array(size);
  }

  async add(data: Uint8Array): Promise<void> {
    this.#expect(data.length);
    this.#data.set(data, this.#filled);
    this.#filled += data.length;
  }

  async addZeros(count: number): Promise<void> {
    this.#expect(count);
    this.#filled += count;
  }

  async end(signal: AbortSignal): Promise<{ readonly ids: Promise<readonly BlobId[]> }> {
    if (this.#filled === 0) return { ids: Promise.resolve([]) };
    const bytes = this.#filled;
    const { saved } = await this.#put(bytes < this.#data.length ? this.#data.slice(0, bytes) : this.#data, signal);
    this.#onPieces?.({ bytes, count: 1, id: saved.then(idOf) });
    const ids = saved.then(asList);
    // A failure shows to whoever waits, and in the next call of the writer; it must not be an unhandled rejection.
    ids.catch(ignore);
    return { ids };
  }

  [Symbol.dispose](): void {}

  #expect(bytes: number): void {
    invariant(this.#filled + bytes <= this.#data.length, 'a content is no longer than was said of it');
  }
}

// Thousands of files wait for their ids at a time: what they keep until then is no more than this.
const idOf = ({ id }: SavedBlob): BlobId => id;
const asList = ({ id }: SavedBlob): readonly BlobId[] => [id];
const ignore = (): void => undefined;
