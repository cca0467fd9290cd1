/**
 * Reading blobs. Nothing leaves here that was not proved: the seal, then the length, then the SHA-256 against the id
 * that was asked for. Where a blob lies in several packs, the next place is tried before anything is called damaged.
 */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { mapAhead } from '../../base/limit.ts';
import type { CacheUse, ReadableBackend } from '../backend/backend.ts';
import type { CipherKey, Sealer } from '../crypto/aes-poly1305.ts';
import { claimFault } from '../format/bounds.ts';
import type { BlobId, BlobType, PackId } from '../ids.ts';
import type { BlobIndex, BlobPlace } from '../index/blob-index.ts';
import type { LoadedBlob } from '../point-reader.ts';
import { stretchOf } from '../workers/reader-messages.ts';
import { type ReadingPort, readHere, readInThreads } from '../workers/reader-pool.ts';
import { DoubtfulPacks } from './doubtful-packs.ts';
import { type OpenedBlob, openBlob } from './open-blob.ts';

/** Restoring reads a pack in stretches of this much, and rather reads a small gap than asks twice. */
const STRETCH_BYTES = 8 * 1024 * 1024;
const GAP_BYTES = 512 * 1024;
/** Of one call: the next one is read and opened while one is being used. */
const STRETCHES_AHEAD = 1;
/**
 * After so much there is likely to be more. Threads take a tenth of a second to start, and this one continues until
 * then.
 */
const THREADS_FROM_BYTES = 1024 * 1024;
/** One blob may have been given thousands of places. */
const MOST_FAULTS = 5;

interface ReaderParts {
  readonly backend: ReadableBackend;
  readonly key: CipherKey;
  readonly sealer: Sealer;
}

/** Dispose it to end its threads, which it starts when there is enough to open. */
export class BlobReader implements AsyncDisposable {
  readonly #backend: ReadableBackend;
  readonly #sealer: Sealer;
  readonly #key: CipherKey;
  readonly #index: BlobIndex;
  readonly #doubtful: DoubtfulPacks;
  #bytesOpened = 0;
  readonly #here: ReadingPort;
  #threads: ReadingPort | undefined;

  constructor({ backend, key, sealer }: ReaderParts, index: BlobIndex) {
    this.#backend = backend;
    this.#key = key;
    this.#sealer = sealer;
    this.#index = index;
    this.#doubtful = new DoubtfulPacks(backend, sealer, index);
    this.#here = readHere(sealer);
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
      const fault = claimFault(place) ?? (await this.#doubtful.faultOf(place, signal));
      if (fault !== undefined) return { fault };
      // Trees are what every look at a restore point reads.
      if (place.type !== 'tree') return await this.#openAt(place, undefined, signal);
      const opened = await this.#openAt(place, 'keep', signal);
      // Only a copy near may be damaged, or the one answer that it was made of.
      return opened.data === undefined ? await this.#openAt(place, 'renew', signal) : opened;
    } catch (error) {
      if (isStillpointError(error, 'backend.not-found')) return { fault: 'the pack is not there' };
      if (isStillpointError(error, 'repository.damaged')) return { fault: 'the pack is too short' };
      throw error;
    }
  }

  async #openAt(place: BlobPlace, near: CacheUse | undefined, signal: AbortSignal): Promise<OpenedBlob> {
    const { offset, length, pack } = place;
    const content = await this.#backend.load({ type: 'data', name: pack }, { offset, length, near }, signal);
    return openBlob(this.#sealer, place, content);
  }

  async *loadMany(ids: Iterable<BlobId>, signal: AbortSignal): AsyncIterable<LoadedBlob> {
    const wanted = [...this.#byPack(ids)].flatMap(([pack, places]) =>
      stretches(places).map((stretch) => ({ pack, stretch })),
    );
    const open = ({ pack, stretch }: (typeof wanted)[number]) => this.#openStretch(pack, stretch, signal);
    for await (const { stretch, opened } of mapAhead(wanted, STRETCHES_AHEAD, open)) {
      for (const [index, { id }] of stretch.entries()) {
        signal.throwIfAborted();
        const blob = opened[index];
        // The slow way tries every other place of the blob and has the words for what is wrong.
        const data = blob instanceof Uint8Array ? bufferOf(blob) : await this.load('data', id, signal);
        yield { id, data };
      }
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

  async #openStretch(pack: PackId, stretch: readonly BlobPlace[], signal: AbortSignal): Promise<OpenedStretch> {
    signal.throwIfAborted();
    // What is too large to be read, or may not be there, is for the slow way.
    if (this.#index.isDoubtful(pack) || stretch.some((place) => claimFault(place) !== undefined))
      return { stretch, opened: [] };
    const offset = stretch[0]?.offset ?? 0;
    const range = { offset, length: endOf(stretch.at(-1)) - offset };
    const data = await this.#backend.load({ type: 'data', name: pack }, range, signal).catch((error: unknown) => {
      if (isStillpointError(error, 'backend.not-found') || isStillpointError(error, 'repository.damaged'))
        return undefined;
      throw error;
    });
    const opened = data === undefined ? [] : await this.#reading(data.length).open(stretchOf(data, offset, stretch));
    return { stretch, opened };
  }

  #reading(bytes: number): ReadingPort {
    this.#bytesOpened += bytes;
    if (this.#bytesOpened > THREADS_FROM_BYTES) this.#threads ??= readInThreads(this.#key);
    return this.#threads?.isReady === true ? this.#threads : this.#here;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads?.[Symbol.asyncDispose]();
  }
}

interface OpenedStretch {
  readonly stretch: readonly BlobPlace[];
  /** In the same order; a text or nothing for what could not be opened. */
  readonly opened: readonly (Uint8Array | string)[];
}

function bufferOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Cuts what is wanted of one pack into ranges that are worth one read each. */
export function stretches(places: readonly BlobPlace[], mostBytes: number = STRETCH_BYTES): BlobPlace[][] {
  const result: BlobPlace[][] = [];
  for (const place of places.toSorted((left, right) => left.offset - right.offset)) {
    const current = result.at(-1);
    const isNear = current !== undefined && place.offset - endOf(current.at(-1)) <= GAP_BYTES;
    if (isNear && endOf(place) - (current[0]?.offset ?? 0) <= mostBytes) current.push(place);
    else result.push([place]);
  }
  return result;
}

function endOf(place: BlobPlace | undefined): number {
  return place === undefined ? 0 : place.offset + place.length;
}

function unreadable(type: BlobType, id: BlobId, faults: readonly string[]): StillpointError {
  const more = faults.length > MOST_FAULTS ? `; and ${faults.length - MOST_FAULTS} more places` : '';
  const why = faults.length === 0 ? 'no index knows it' : faults.slice(0, MOST_FAULTS).join('; ') + more;
  return new StillpointError('repository.damaged', `The ${type} blob ${id.slice(0, 8)} cannot be read: ${why}.`, {
    advice: 'Run "stillpoint verify" to see which restore points and files are affected.',
    details: { type, id, faults: faults.slice(0, MOST_FAULTS) },
    cause: undefined,
  });
}
