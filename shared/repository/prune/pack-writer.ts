/**
 * Writes proved blobs into new packs. What it is given is sealed already: a blob moves from an old pack into a new one
 * as it lies, and is neither compressed nor encrypted anew unless it has to be.
 *
 * Crash story: a pack is stored before anything names it; one that is left unnamed is unreferenced data, which the
 * next prune removes.
 */

import { createHash } from 'node:crypto';
import { release } from '../../base/release.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { encodeHeaderLength, type PackedBlob } from '../format/pack.ts';
import type { BlobType, PackId } from '../ids.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RepositoryLock } from '../repository.ts';
import { Packer } from '../write/packer.ts';

const PACK_BYTES = 16 * 1024 * 1024;

export class PackWriter {
  readonly #repository: OpenedRepository;
  readonly #lock: RepositoryLock;
  readonly #signal: AbortSignal;
  readonly #packers: Readonly<Record<BlobType, Packer>> = {
    data: new Packer('data', PACK_BYTES),
    tree: new Packer('tree', PACK_BYTES),
  };
  /** What was stored, in order. */
  readonly stored: IndexedPack[] = [];
  bytesStored = 0;

  constructor(repository: OpenedRepository, lock: RepositoryLock, signal: AbortSignal) {
    this.#repository = repository;
    this.#lock = lock;
    this.#signal = signal;
  }

  /** @param envelope the sealed blob, in memory that is used for nothing else */
  async add({ type, id, uncompressedLength }: PackedBlob, envelope: Uint8Array): Promise<void> {
    const packer = this.#packers[type];
    packer.add({
      ids: [id],
      data: envelope,
      blobs: [{ index: 0, length: envelope.length, uncompressedLength }],
    });
    if (packer.isFull) await this.#store(packer);
  }

  /** Stores what is left. */
  async finish(): Promise<void> {
    for (const packer of Object.values(this.#packers)) await this.#store(packer);
  }

  async #store(packer: Packer): Promise<void> {
    const filled = packer.take();
    if (filled === undefined) return;
    const { files, parts } = this.#repository;
    const header = parts.sealer.seal(filled.header);
    const content = [...filled.pieces, header, encodeHeaderLength(header.length)];
    const digest = createHash('sha256');
    for (const piece of content) digest.update(piece);
    const id = digest.digest('hex') as PackId;
    this.#lock.assertHeld();
    await files.backend.save({ type: 'data', name: id }, content, this.#signal);
    this.stored.push({ id, blobs: filled.blobs });
    this.bytesStored += content.reduce((sum, { length }) => sum + length, 0);
    for (const piece of filled.pieces) release(piece);
  }
}
