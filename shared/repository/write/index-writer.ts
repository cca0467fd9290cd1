/**
 * Writes the index files that name stored packs, for one writer under one lock.
 *
 * Crash story: an index is written after every 50,000 blobs or five minutes, so that an interrupted first backup of a
 * large host leaves its work for the next one to find. Packs of a writer that ended before it could name them are
 * forgotten, also in memory: once its lock is gone a prune may remove them at any moment.
 */
import type { Clock } from '../../base/clock.ts';
import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { StoredFiles } from '../stored-files.ts';

const MAX_BLOBS = 50_000;
const MAX_AGE_MS = 5 * 60_000;

export class IndexWriter {
  readonly #files: StoredFiles;
  readonly #index: BlobIndex;
  readonly #clock: Clock;
  readonly #onSaved: (name: string) => void;
  #unnamed: IndexedPack[] = [];
  #unnamedBlobs = 0;
  #lastMs: number;
  #work: Promise<void> = Promise.resolve();

  /** @param onSaved called with the name of each index file that was stored */
  constructor(files: StoredFiles, index: BlobIndex, clock: Clock, onSaved: (name: string) => void) {
    this.#onSaved = onSaved;
    this.#files = files;
    this.#index = index;
    this.#clock = clock;
    this.#lastMs = clock.monotonicMs();
  }

  /** Whether every stored pack that the index in memory knows is in a stored index file. */
  get isComplete(): boolean {
    return this.#unnamed.length === 0;
  }

  get isDue(): boolean {
    return this.#unnamedBlobs >= MAX_BLOBS || this.#clock.monotonicMs() - this.#lastMs >= MAX_AGE_MS;
  }

  /** Call it only for a pack that is stored durably. */
  add(pack: IndexedPack): void {
    this.#index.addPack(pack);
    this.#unnamed.push(pack);
    this.#unnamedBlobs += pack.blobs.length;
  }

  /** For packs of a writer that has ended: a later writer stores their blobs again. */
  forget(): void {
    this.#unnamed = [];
    this.#unnamedBlobs = 0;
  }

  /** Resolves when every pack that was added before the call is in a stored index. */
  save(signal: AbortSignal): Promise<void> {
    const next = this.#work.then(() => this.#saveNow(signal));
    this.#work = next.catch(() => undefined);
    return next;
  }

  async #saveNow(signal: AbortSignal): Promise<void> {
    const packs = [...this.#unnamed];
    if (packs.length === 0) return;
    this.#onSaved(await this.#files.save('index', encodeIndex(packs), signal));
    this.#unnamed = this.#unnamed.slice(packs.length);
    this.#unnamedBlobs -= packs.reduce((sum, { blobs }) => sum + blobs.length, 0);
    this.#lastMs = this.#clock.monotonicMs();
  }
}
