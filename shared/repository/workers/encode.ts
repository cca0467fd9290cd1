/** Compression of one blob. Trees are compressed in version 2 also where they grow, because restic's prune would do it otherwise. */

import { constants, zstdCompressSync } from 'node:zlib';
import { release } from '../../base/release.ts';
import { OVERHEAD_BYTES } from '../crypto/aes-poly1305.ts';
import { claimFault } from '../format/bounds.ts';
import type { BlobType } from '../ids.ts';
import type { Compression } from '../repository.ts';

/** Measured: level 1 compresses nearly as well as 3 at twice the speed; above 12 little is gained for much time. */
const LEVEL = { auto: 1, off: 1, max: 12 } as const;

/** The compressed blob, or undefined where it is stored as it is. */
export function compress(
  plaintext: Uint8Array,
  type: BlobType,
  compression: Compression,
  version: 1 | 2,
): Buffer | undefined {
  if (version === 1 || (type === 'data' && compression === 'off')) return undefined;
  if (plaintext.length === 0) return undefined;
  const compressed = zstdCompressSync(plaintext, {
    // Room for the worst case in one piece; the default grows the output in steps of 16 KiB.
    chunkSize: plaintext.length + (plaintext.length >> 7) + 1024,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL[compression], [constants.ZSTD_c_contentSizeFlag]: 1 },
  });
  const claim = { type, length: compressed.length + OVERHEAD_BYTES, uncompressedLength: plaintext.length };
  // What shrinks so much that a reader would not believe it is stored as it is.
  const isCredible = claimFault(claim) === undefined;
  if (isCredible && (type === 'tree' || compressed.length < plaintext.length)) return compressed;
  release(compressed);
  return undefined;
}
