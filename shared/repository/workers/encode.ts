/** Compression of blobs. Trees are compressed in version 2 also where they grow, because restic's prune would do it otherwise. */

import { OVERHEAD_BYTES } from '../crypto/aes-poly1305.ts';
import { claimFault } from '../format/bounds.ts';
import type { BlobType } from '../ids.ts';
import type { Compression } from '../repository.ts';
import { createFrameWriter, type FrameWriter, mostBytesOf } from './zstd-frames.ts';

/** Measured: level 1 compresses nearly as well as 3 at twice the speed; above 12 little is gained for much time. */
const LEVEL = { auto: 1, off: 1, max: 12 } as const;

export interface Compressor {
  /**
   * Writes the compressed blob to `at` of `target`, which has room for `roomFor` it, and gives its length; undefined, with anything
   * at that place, where the blob is to be stored as it is.
   */
  compressInto(plaintext: Uint8Array, type: BlobType, target: Buffer, at: number): number | undefined;
}

/** What a blob may take while it is compressed. */
export const roomFor = mostBytesOf;

export function createCompressor(compression: Compression, version: 1 | 2): Compressor {
  let frames: FrameWriter | undefined;
  return {
    compressInto(plaintext, type, target, at) {
      if (version === 1 || (type === 'data' && compression === 'off')) return undefined;
      if (plaintext.length === 0) return undefined;
      frames ??= createFrameWriter(LEVEL[compression]);
      const length = frames.write(plaintext, target, at);
      const claim = { type, length: length + OVERHEAD_BYTES, uncompressedLength: plaintext.length };
      // What shrinks so much that a reader would not believe it is stored as it is.
      const isCredible = claimFault(claim) === undefined;
      return isCredible && (type === 'tree' || length < plaintext.length) ? length : undefined;
    },
  };
}

/** The compressed blob, or undefined where it is stored as it is. */
export function compress(plaintext: Uint8Array, type: BlobType, compressor: Compressor): Buffer | undefined {
  const target = Buffer.allocUnsafeSlow(roomFor(plaintext.length));
  const length = compressor.compressInto(plaintext, type, target, 0);
  return length === undefined ? undefined : target.subarray(0, length);
}
