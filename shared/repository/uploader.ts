/**
 * Stores finished packs, and then the index files that name them: never the other way round.
 *
 * Crash story: a pack that was stored and is not yet in a stored index is unreferenced data, which wastes room and
 * harms nothing; restic's `prune` and `rebuild-index` know it. An index is written after every 50,000 blobs or five
 * minutes, so that an interrupted first backup of a large host leaves its work for the next one to find.
 */
import type { Clock } from '../base/clock.ts';
import { Semaphore } from '../base/limit.ts';
import type { BlobIndex } from './blob-index.ts';
import { release } from './crypto/aes-poly1305.ts';
import { encodeIndex, type IndexedPack } from './format/index-file.ts';
import type { FilledPack } from './packer.ts';
import type { StoredFiles } from './stored-files.ts';
import type { WorkerPool } from './workers/pool.ts';

const MAX_INDEX_BLOBS = 50_000;
const MAX_INDEX_AGE_MS = 5 * 60_000;

export interface UploaderPorts {
  readonly files: StoredFiles;
  readonly index: BlobIndex;
  readonly pool: WorkerPool;
  readonly clock: Clock;
  /** Ends with the writer or with the repository's lock: after that nothing is stored any more. */
  readonly signal: AbortSignal;
}

export class Uploader {
  readonly #ports: UploaderPorts;
  readonly #slots: Semaphore;
  #unindexed: IndexedPack[] = [];
  #unindexedBlobs = 0;
  #lastIndexMs: number;
  #indexing: Promise<void> = Promise.resolve();

  constructor(ports: UploaderPorts) {
    this.#ports = ports;
    this.#slots = new Semaphore(ports.files.backend.properties.connections);
    this.#lastIndexMs = ports.clock.monotonicMs();
  }

  /** Resolves when the pack is stored and known to the index in memory. */
  async upload(filled: FilledPack): Promise<void> {
    const { files, index, pool, clock, signal } = this.#ports;
    using _slot = await this.#slots.acquire(signal);
    const { id, content } = await pool.finish(filled.pieces, filled.header);
    await files.backend.save({ type: 'data', name: id }, content, signal);
    for (const piece of content) release(piece);
    const pack = { id, blobs: filled.blobs };
    index.addPack(pack);
    this.#unindexed.push(pack);
    this.#unindexedBlobs += pack.blobs.length;
    const isDue = clock.monotonicMs() - this.#lastIndexMs >= MAX_INDEX_AGE_MS;
    if (isDue || this.#unindexedBlobs >= MAX_INDEX_BLOBS) await this.saveIndex();
  }

  /** Resolves when every pack that was uploaded before the call is in a stored index. */
  saveIndex(): Promise<void> {
    const next = this.#indexing.then(() => this.#saveIndexNow());
    this.#indexing = next.catch(() => undefined);
    return next;
  }

  async #saveIndexNow(): Promise<void> {
    const { files, clock, signal } = this.#ports;
    const packs = this.#unindexed;
    if (packs.length === 0) return;
    this.#unindexed = [];
    this.#unindexedBlobs = 0;
    this.#lastIndexMs = clock.monotonicMs();
    try {
      await files.save('index', encodeIndex(packs), signal);
    } catch (error) {
      // The packs are stored; a later flush may still name them.
      this.#unindexed = [...packs, ...this.#unindexed];
      throw error;
    }
  }
}
