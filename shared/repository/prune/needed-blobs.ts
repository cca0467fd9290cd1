/**
 * Reading the blobs that a prune relies on, each proved against its id. A blob that is damaged where it was to be kept
 * is taken from another copy; where no copy is good, the prune ends before anything was removed.
 */

import { claimFault } from '../format/bounds.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { PackedBlob } from '../format/pack.ts';
import type { PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { type OpenedBlob, openBlob } from '../read/open-blob.ts';
import type { PreparedPrune } from './plan.ts';
import { BlobSet } from './used-blobs.ts';

const STRETCH_BYTES = 8 * 1024 * 1024;
/** A smaller gap is rather read than left out. */
const GAP_BYTES = 512 * 1024;

export interface ReadBlob {
  readonly blob: PackedBlob;
  /** As it lies in the pack. Part of a larger piece of memory: copy it to keep it. */
  readonly envelope: Uint8Array;
  readonly opened: OpenedBlob;
}

/** Chooses the blobs of a pack that are needed in it, each once. */
export class NeededBlobs {
  readonly #repository: OpenedRepository;
  readonly #prepared: PreparedPrune;
  readonly #seen: BlobSet;

  constructor(repository: OpenedRepository, prepared: PreparedPrune) {
    this.#repository = repository;
    this.#prepared = prepared;
    this.#seen = new BlobSet(repository.index.blobCount);
  }

  of({ id, blobs }: IndexedPack): PackedBlob[] {
    return blobs.filter((blob) => {
      const number = this.#repository.index.numberOf(blob.type, blob.id) ?? 0;
      if (!this.#prepared.used.has(number) || !this.#isKeptIn(number, id)) return false;
      return this.#seen.add(number);
    });
  }

  /** Those of which other copies are about to go. */
  withCopies(pack: IndexedPack): PackedBlob[] {
    const { keptIn } = this.#prepared;
    if (keptIn.size === 0) return [];
    return this.of(pack).filter(({ type, id }) => keptIn.has(this.#repository.index.numberOf(type, id) ?? 0));
  }

  #isKeptIn(number: number, pack: PackId): boolean {
    return (this.#prepared.keptIn.get(number) ?? pack) === pack;
  }
}

/** Reads blobs of one pack in long stretches, in the order of the pack. */
export async function* readBlobs(
  repository: OpenedRepository,
  pack: PackId,
  blobs: readonly PackedBlob[],
  signal: AbortSignal,
): AsyncIterable<ReadBlob> {
  const { backend } = repository.files;
  const possible: PackedBlob[] = [];
  for (const blob of blobs) {
    const fault = claimFault(blob);
    if (fault === undefined) possible.push(blob);
    else yield { blob, envelope: new Uint8Array(0), opened: { fault } };
  }
  for (const stretch of stretches(possible)) {
    const offset = stretch[0]?.offset ?? 0;
    const range = { offset, length: endOf(stretch.at(-1)) - offset };
    const bytes = await backend.load({ type: 'data', name: pack }, range, signal);
    for (const blob of stretch) {
      signal.throwIfAborted();
      const envelope = bytes.subarray(blob.offset - offset, blob.offset - offset + blob.length);
      yield { blob, envelope, opened: openBlob(repository.parts.sealer, blob, envelope) };
    }
  }
}

function* stretches(blobs: readonly PackedBlob[]): Generator<readonly PackedBlob[]> {
  let current: PackedBlob[] = [];
  for (const blob of blobs) {
    const start = current[0]?.offset ?? blob.offset;
    const isNear = blob.offset - endOf(current.at(-1)) <= GAP_BYTES;
    if (current.length > 0 && (!isNear || endOf(blob) - start > STRETCH_BYTES)) {
      yield current;
      current = [];
    }
    current.push(blob);
  }
  if (current.length > 0) yield current;
}

function endOf(blob: PackedBlob | undefined): number {
  return blob === undefined ? 0 : blob.offset + blob.length;
}
