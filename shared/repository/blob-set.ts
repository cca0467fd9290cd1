/**
 * A set of blobs that an index knows, one bit for each: a repository has millions of them. It is bound to the index as
 * it is; when that is read again because of a prune, the set would speak of other blobs, and says so instead.
 */
import { StillpointError } from '../base/errors.ts';
import type { BlobId, BlobType } from './ids.ts';
import type { BlobCatalogue } from './point-reader.ts';

export class BlobSet {
  readonly #index: Pick<BlobCatalogue, 'generation' | 'numberOf'>;
  readonly #generation: number;
  #bits: Uint8Array;
  #size = 0;

  constructor(index: Pick<BlobCatalogue, 'blobCount' | 'generation' | 'numberOf'>) {
    this.#index = index;
    this.#generation = index.generation;
    this.#bits = new Uint8Array((index.blobCount >> 3) + 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Whether it was not in the set yet; undefined for a blob that no index knows. */
  add(type: BlobType, id: BlobId): boolean | undefined {
    const number = this.#numberOf(type, id);
    if (number === undefined) return undefined;
    const at = number >> 3;
    if (at >= this.#bits.length) this.#grow(at);
    const bit = 1 << (number & 7);
    const byte = this.#bits[at] ?? 0;
    if ((byte & bit) !== 0) return false;
    this.#bits[at] = byte | bit;
    this.#size += 1;
    return true;
  }

  has(type: BlobType, id: BlobId): boolean {
    const number = this.#numberOf(type, id);
    return number !== undefined && this.hasNumber(number);
  }

  hasNumber(number: number): boolean {
    return ((this.#bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  clear(): void {
    this.#bits.fill(0);
    this.#size = 0;
  }

  /** The blobs' numbers in the index, rising: blobs of one pack follow each other. */
  *numbers(): Generator<number> {
    for (const [at, byte] of this.#bits.entries()) {
      if (byte === 0) continue;
      for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) yield at * 8 + bit;
    }
  }

  #numberOf(type: BlobType, id: BlobId): number | undefined {
    if (this.#index.generation === this.#generation) return this.#index.numberOf(type, id);
    throw new StillpointError(
      'repository.locked',
      'Another process removed data from the repository in the meantime.',
      {
        advice: 'What was found so far no longer fits. Ask again.',
        cause: undefined,
        retry: 'safe',
      },
    );
  }

  #grow(at: number): void {
    const bits = new Uint8Array(Math.max(at + 1, this.#bits.length * 2));
    bits.set(this.#bits);
    this.#bits = bits;
  }
}
