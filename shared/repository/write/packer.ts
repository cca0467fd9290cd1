/**
 * The pack that is being filled, one for each type of blob, because restic's format keeps trees and data apart. A pack
 * exists only in memory until it is finished; a crash before that loses nothing that anything names.
 */

import { encodePackHeader, type PackedBlob } from '../format/pack.ts';
import type { BlobId, BlobType } from '../ids.ts';
import type { EncodedBatch } from '../workers/pool.ts';

/** Keeps the header of a pack of tiny blobs far below what restic reads. */
const MAX_BLOBS = 32_768;
/** What is known of a blob in an open pack: its id and place, in objects. */
const BYTES_PER_BLOB = 320;

/** What blobs take in memory while their pack is open or on its way. */
export const packedCost = (bytes: number, blobs: number): number => bytes + blobs * BYTES_PER_BLOB;

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

  /**
   * By what it takes in memory: of tiny blobs, what is known of them takes more than they do. A pack that is not full takes less than its
   * size, so open packs alone never use up the room of the writer, which waits for more to come then.
   */
  get isFull(): boolean {
    const cost = packedCost(this.#bytes, this.#blobs.length);
    return cost >= this.#packSizeBytes || this.#blobs.length >= MAX_BLOBS;
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
