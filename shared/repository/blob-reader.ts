/**
 * Reading blobs. Nothing leaves here that was not proved: the seal, then the length, then the SHA-256 against the id
 * that was asked for. Where a blob lies in several packs, the next place is tried before anything is called damaged.
 */
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { ReadableBackend } from './backend/backend.ts';
import type { BlobIndex, BlobPlace } from './blob-index.ts';
import type { Sealer } from './crypto/aes-poly1305.ts';
import type { BlobId, BlobType, PackId } from './format/ids.ts';
import { type OpenedBlob, openBlob } from './open-blob.ts';
import type { LoadedBlob } from './repository.ts';

/** Restoring reads a pack in stretches of this much, and rather reads a small gap than asks twice. */
const STRETCH_BYTES = 8 * 1024 * 1024;
const GAP_BYTES = 512 * 1024;

export class BlobReader {
  readonly #backend: ReadableBackend;
  readonly #sealer: Sealer;
  readonly #index: BlobIndex;

  constructor(backend: ReadableBackend, sealer: Sealer, index: BlobIndex) {
    this.#backend = backend;
    this.#sealer = sealer;
    this.#index = index;
  }

  async load(type: BlobType, id: BlobId, signal: AbortSignal): Promise<Buffer> {
    const places = this.#index.findAll(type, id);
    const faults: string[] = [];
    for (const place of places) {
      const opened = await this.#loadFrom(place, signal);
      if (opened.data !== undefined) return opened.data;
      faults.push(`pack ${place.pack.slice(0, 8)}: ${opened.fault}`);
    }
    throw unreadable(type, id, faults);
  }

  async #loadFrom(place: BlobPlace, signal: AbortSignal): Promise<OpenedBlob> {
    try {
      const file = { type: 'data', name: place.pack } as const;
      const { offset, length } = place;
      return openBlob(this.#sealer, place, await this.#backend.load(file, { offset, length }, signal));
    } catch (error) {
      if (isStillpointError(error, 'backend.not-found')) return { fault: 'the pack is not there' };
      if (isStillpointError(error, 'repository.damaged')) return { fault: 'the pack is too short' };
      throw error;
    }
  }

  async *loadMany(ids: Iterable<BlobId>, signal: AbortSignal): AsyncIterable<LoadedBlob> {
    for (const [pack, places] of this.#byPack(ids)) {
      for (const stretch of stretches(places)) yield* this.#loadStretch(pack, stretch, signal);
    }
  }

  #byPack(ids: Iterable<BlobId>): Map<PackId, BlobPlace[]> {
    const packs = new Map<PackId, BlobPlace[]>();
    for (const id of new Set(ids)) {
      const place = this.#index.find('data', id);
      if (place === undefined) throw unreadable('data', id, []);
      const places = packs.get(place.pack);
      if (places === undefined) packs.set(place.pack, [place]);
      else places.push(place);
    }
    return packs;
  }

  async *#loadStretch(pack: PackId, places: readonly BlobPlace[], signal: AbortSignal): AsyncIterable<LoadedBlob> {
    const start = places[0]?.offset ?? 0;
    const end = endOf(places.at(-1));
    const range = { offset: start, length: end - start };
    const bytes = await this.#backend.load({ type: 'data', name: pack }, range, signal).catch((error: unknown) => {
      if (isStillpointError(error, 'backend.not-found') || isStillpointError(error, 'repository.damaged'))
        return undefined;
      throw error;
    });
    for (const place of places) {
      signal.throwIfAborted();
      const at = place.offset - start;
      const envelope = bytes?.subarray(at, at + place.length);
      const opened = envelope === undefined ? undefined : openBlob(this.#sealer, place, envelope);
      // The slow way tries every other place of the blob and has the words for what is wrong.
      yield { id: place.id, data: opened?.data ?? (await this.load('data', place.id, signal)) };
    }
  }
}

/** Cuts what is wanted of one pack into ranges that are worth one read each. */
export function stretches(places: readonly BlobPlace[]): BlobPlace[][] {
  const result: BlobPlace[][] = [];
  for (const place of places.toSorted((left, right) => left.offset - right.offset)) {
    const current = result.at(-1);
    const isNear = current !== undefined && place.offset - endOf(current.at(-1)) <= GAP_BYTES;
    if (isNear && endOf(place) - (current[0]?.offset ?? 0) <= STRETCH_BYTES) current.push(place);
    else result.push([place]);
  }
  return result;
}

function endOf(place: BlobPlace | undefined): number {
  return place === undefined ? 0 : place.offset + place.length;
}

function unreadable(type: BlobType, id: BlobId, faults: readonly string[]): StillpointError {
  const why = faults.length === 0 ? 'no index knows it' : faults.join('; ');
  return new StillpointError('repository.damaged', `The ${type} blob ${id.slice(0, 8)} cannot be read: ${why}.`, {
    advice: 'Run verify to see which restore points and files are hit; other files can still be restored.',
    details: { type, id, faults },
    cause: undefined,
  });
}
