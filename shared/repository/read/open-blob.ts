/** Proves and opens one stored blob: the seal, then the length, then the SHA-256 against the id that is wanted. */

import { zstdDecompressSync } from 'node:zlib';
import { release } from '../../base/release.ts';
import { type Sealer } from '../crypto/aes-poly1305.ts';
import { type BlobId, blobIdOf } from '../ids.ts';

export type OpenedBlob =
  | { readonly data: Buffer; readonly fault?: never }
  | { readonly data?: never; readonly fault: string };

export interface WantedBlob {
  readonly id: BlobId;
  /** Plaintext bytes of a compressed blob; 0 for one that is stored as it is. */
  readonly uncompressedLength: number;
}

/** A fault is a value, because `verify` continues after it. */
export function openBlob(sealer: Sealer, blob: WantedBlob, envelope: Uint8Array): OpenedBlob {
  const opened = sealer.open(envelope);
  if (opened === undefined) return { fault: 'its seal is broken' };
  const data = inflate(opened, blob.uncompressedLength);
  if (data === undefined) return { fault: 'it cannot be decompressed' };
  if (blobIdOf(data) === blob.id) return { data };
  // It may be large, and the caller may try the next place at once. What was not compressed is part of the envelope.
  if (blob.uncompressedLength !== 0) release(data);
  return { fault: 'its content does not match its id' };
}

function inflate(opened: Buffer, uncompressedLength: number): Buffer | undefined {
  if (uncompressedLength === 0) return opened;
  try {
    const data = zstdDecompressSync(opened, {
      maxOutputLength: uncompressedLength,
      // One byte of room left over tells zlib that it is at the end; without it, a second piece would be made ready.
      chunkSize: Math.max(uncompressedLength + 1, 64),
    });
    return data.length === uncompressedLength ? data : undefined;
  } catch {
    return undefined;
  } finally {
    release(opened);
  }
}
