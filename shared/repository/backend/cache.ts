/**
 * Caches what is read from a store again and again: indexes, restore points, and trees. They are kept as they are
 * stored, sealed, so the folder reveals no more than the store does, and they are proved by the layer above as always.
 *
 * One bad answer must not stay for good. A whole file is kept, and read here, only when it fits its name, which is its
 * SHA-256. What a piece of a pack should be is known only above: a caller that finds it wrong asks again with `renew`.
 *
 * A stored file never changes, so a copy is never out of date; it can only be of a file that is gone. What is there is
 * therefore always asked of the store itself: listings, sizes and removals pass through, and what a listing no longer
 * names is dropped here. `check`, `verify` and whatever removes data go without these copies: they have to see the store.
 */
import { createHash } from 'node:crypto';
import type { Logger } from '../../base/log.ts';
import type { Backend, BackendProperties, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';
import { CacheFolder } from './cache-folder.ts';

export interface CacheOptions {
  /** For this one repository. */
  readonly folder: string;
  readonly maxBytes: number;
}

export function withCache(backend: Backend, { folder, maxBytes }: CacheOptions, logger: Logger): Backend {
  return new CachingBackend(backend, new CacheFolder(folder, maxBytes, logger));
}

class CachingBackend implements Backend {
  readonly #store: Backend;
  readonly #near: CacheFolder;

  constructor(store: Backend, near: CacheFolder) {
    this.#store = store;
    this.#near = near;
  }

  get properties(): BackendProperties {
    return this.#store.properties;
  }

  async load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    const place = placeOf(file, range);
    if (place === undefined) return await this.#store.load(file, range, signal);
    signal.throwIfAborted();
    const kept = range?.near === 'renew' ? undefined : await this.#near.read(place);
    signal.throwIfAborted();
    if (kept !== undefined && fits(file, range, [kept])) return kept;
    const content = await this.#store.load(file, range, signal);
    if (fits(file, range, [content])) await this.#near.write(place, [content]);
    else await this.#near.drop(place);
    return content;
  }

  stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    return this.#store.stat(file, signal);
  }

  /** A listing that came to its end says what has gone. */
  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    const gone = new Set(isWhole(type) || type === 'data' ? await this.#near.names(type) : []);
    for await (const file of this.#store.list(type, signal)) {
      gone.delete(file.name);
      yield file;
    }
    for (const name of gone) await this.#near.drop(`${type}/${name}`);
  }

  get packFolders(): Backend['packFolders'] {
    return this.#store.packFolders?.bind(this.#store);
  }

  prepare(signal: AbortSignal): Promise<void> {
    return this.#store.prepare(signal);
  }

  async save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    await this.#store.save(file, content, signal);
    const place = placeOf(file, undefined);
    if (place !== undefined && fits(file, undefined, content)) await this.#near.write(place, content);
  }

  async remove(file: FileRef, signal: AbortSignal): Promise<void> {
    await this.#store.remove(file, signal);
    if (isWhole(file.type) || file.type === 'data') await this.#near.drop(`${file.type}/${file.name}`);
  }

  async close(): Promise<void> {
    await this.#near.settled();
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function isWhole(type: FileType): boolean {
  return type === 'index' || type === 'snapshots';
}

function fits({ name }: FileRef, range: ByteRange | undefined, content: readonly Uint8Array[]): boolean {
  if (range !== undefined) return content.reduce((bytes, { length }) => bytes + length, 0) === range.length;
  const sum = createHash('sha256');
  for (const piece of content) sum.update(piece);
  return sum.digest('hex') === name;
}

/** Where the copy lies: a file, or what was read of a pack in the pack's folder. */
function placeOf({ type, name }: FileRef, range: ByteRange | undefined): string | undefined {
  if (range === undefined) return isWhole(type) ? `${type}/${name}` : undefined;
  return type === 'data' && range.near !== undefined ? `${type}/${name}/${range.offset}` : undefined;
}
