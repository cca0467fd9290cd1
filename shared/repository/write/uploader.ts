/**
 * Stores finished packs, and then lets the index name them: never the other way round.
 *
 * Crash story: a pack that was stored and is not yet in a stored index is unreferenced data, which wastes room and
 * harms nothing; restic's `prune` and `rebuild-index` know it.
 */

import { Semaphore } from '../../base/limit.ts';
import { release } from '../../base/release.ts';
import type { PackId } from '../ids.ts';
import type { StoredFiles } from '../stored-files.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { IndexWriter } from './index-writer.ts';
import type { FilledPack } from './packer.ts';

export interface UploaderPorts {
  readonly files: StoredFiles;
  readonly indexWriter: IndexWriter;
  readonly pool: WorkerPool;
  readonly onPackStored?: ((id: PackId) => void) | undefined;
  /** Ends with the writer or with the repository's lock: after that nothing is stored any more. */
  readonly signal: AbortSignal;
}

export class Uploader {
  readonly #ports: UploaderPorts;
  readonly #slots: Semaphore;

  constructor(ports: UploaderPorts) {
    this.#ports = ports;
    this.#slots = new Semaphore(ports.files.backend.properties.connections);
  }

  /** Resolves when the pack is stored and known to the index in memory. */
  async upload(filled: FilledPack): Promise<void> {
    const { files, indexWriter, pool, onPackStored, signal } = this.#ports;
    using _slot = await this.#slots.acquire(signal);
    const { id, content } = await pool.finish(filled.pieces, filled.header);
    await files.backend.save({ type: 'data', name: id }, content, signal);
    for (const piece of content) release(piece);
    indexWriter.add({ id, blobs: filled.blobs });
    onPackStored?.(id);
    if (indexWriter.isDue) await indexWriter.save(signal);
  }

  saveIndex(): Promise<void> {
    return this.#ports.indexWriter.save(this.#ports.signal);
  }
}
