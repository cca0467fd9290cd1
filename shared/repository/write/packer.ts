/**
 * The pack that is being filled, one for each type of blob, because restic's format keeps trees and data apart. A pack
 * exists only in memory until it is finished; a crash before that loses nothing that anything names.
 */

import { encodePackHeader, type PackedBlob } from '../format/pack.ts';
import type { BlobId, BlobType } from '../ids.ts';
import type { EncodedBatch } from '../workers/pool.ts';

/** Keeps the header of a pack of tiny blobs far below what restic reads. */
const MAX_BLOBS = 32_768;

export interface FilledPack {
  readonly pieces: readonly Uint8Array[];
  readonly blobs: readonly PackedBlob[];
  readonly header: Buffer;
  readonly bytes: number;
}

export class Packer {
  readonly #type: BlobType;
  readonly #packSizeBytes: number;
  #pieces: Uint8Array[] = [];
  #blobs: PackedBlob[] = [];
  #bytes = 0;

  constructor(type: BlobType, packSizeBytes: number) {
    this.#type = type;
    this.#packSizeBytes = packSizeBytes;
  }

  add(batch: EncodedBatch): void {
    this.#pieces.push(batch.data);
    for (const { index, length, uncompressedLength } of batch.blobs) {
      const id = batch.ids[index] as BlobId;
      this.#blobs.push({ type: this.#type, id, offset: this.#bytes, length, uncompressedLength });
      this.#bytes += length;
    }
  }

  get isFull(): boolean {
    return this.#bytes >= this.#packSizeBytes || this.#blobs.length >= MAX_BLOBS;
  }

  /** What has gathered, and begins anew; undefined where nothing has. */
  take(): FilledPack | undefined {
    if (this.#blobs.length === 0) return undefined;
    const blobs = this.#blobs;
    const filled = { pieces: this.#pieces, blobs, header: encodePackHeader(blobs), bytes: this.#bytes };
    this.#pieces = [];
    this.#blobs = [];
    this.#bytes = 0;
    return filled;
  }
}
