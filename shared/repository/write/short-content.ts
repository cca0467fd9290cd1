/** A content that one piece can hold whatever is in it: it is gathered, and is one blob. Most files are no more than that. */
import { invariant } from '../../base/errors.ts';
import type { BlobId } from '../ids.ts';
import type { PendingPieces } from '../pieces.ts';
import type { ContentInput, PendingBlob, SavedBlob } from '../repository.ts';
import { LARGE_BYTES } from './batcher.ts';

type Put = (data: Uint8Array, signal: AbortSignal) => Promise<PendingBlob>;

export class ShortContent implements ContentInput {
  readonly #put: Put;
  readonly #onPieces: ((pieces: PendingPieces) => void) | undefined;
  readonly #size: number;
  /** What came, as it came where it came in one piece. */
  #data: Uint8Array = NOTHING;
  #filled = 0;

  constructor(size: number, put: Put, onPieces: ((pieces: PendingPieces) => void) | undefined) {
    this.#put = put;
    this.#onPieces = onPieces;
    this.#size = size;
  }

  async add(data: Uint8Array): Promise<void> {
    this.#expect(data.length);
    // It is whoever's gave it, and not to be moved to a thread.
    if (data.length === this.#size && data.length < LARGE_BYTES) this.#data = data;
    else this.#room().set(data, this.#filled);
    this.#filled += data.length;
  }

  give(data: Uint8Array): Promise<void> {
    return this.add(data);
  }

  async addZeros(count: number): Promise<void> {
    this.#expect(count);
    this.#room();
    this.#filled += count;
  }

  async end(signal: AbortSignal): Promise<{ readonly ids: Promise<readonly BlobId[]> }> {
    if (this.#filled === 0) return { ids: Promise.resolve([]) };
    const bytes = this.#filled;
    const { saved } = await this.#put(this.#data.subarray(0, bytes), signal);
    this.#onPieces?.({ bytes, count: 1, id: saved.then(idOf) });
    const ids = saved.then(asList);
    // A failure shows to whoever waits, and in the next call of the writer; it must not be an unhandled rejection.
    ids.catch(ignore);
    return { ids };
  }

  [Symbol.dispose](): void {}

  #room(): Uint8Array {
    if (this.#data === NOTHING) this.#data = new Uint8Array(this.#size);
    return this.#data;
  }

  #expect(bytes: number): void {
    invariant(this.#filled + bytes <= this.#size, 'a content is no longer than was said of it');
  }
}

const NOTHING = new Uint8Array(0);

// Thousands of files wait for their ids at a time: what they keep until then is no more than this.
const idOf = ({ id }: SavedBlob): BlobId => id;
const asList = ({ id }: SavedBlob): readonly BlobId[] => [id];
const ignore = (): void => undefined;
