/** Proves and opens one stored blob: the seal, then the length, then the SHA-256 against the id that is wanted. */

import { zstdDecompressSync } from 'node:zlib';
import { release } from '../../base/release.ts';
import { type Sealer } from '../crypto/aes-poly1305.ts';
import { type BlobId, blobIdOf } from '../ids.ts';
import type { ZstdContext } from './zstd-context.ts';

export type OpenedBlob =
  | { readonly data: Buffer; readonly fault?: never }
  | { readonly data?: never; readonly fault: string };

export interface WantedBlob {
  readonly id: BlobId;
  /** Plaintext bytes of a compressed blob; 0 for one that is stored as it is. */
  readonly uncompressedLength: number;
}

/** For many small blobs: a context that is kept, and room for the plaintext of this one with a byte to spare. */
export interface Quickly {
  readonly context: ZstdContext;
  readonly room: Buffer;
}

/** A fault is a value, because `verify` continues after it. */
export function openBlob(sealer: Sealer, blob: WantedBlob, envelope: Uint8Array, quickly?: Quickly): OpenedBlob {
  const opened = sealer.open(envelope);
  if (opened === undefined) return { fault: 'its seal is broken' };
  const quick = quickly && openQuickly(opened, blob, quickly);
  if (quick !== undefined) {
    release(opened);
    return { data: quick };
  }
  const data = inflate(opened, blob.uncompressedLength);
  if (data === undefined) return { fault: 'it cannot be decompressed' };
  if (blobIdOf(data) === blob.id) return { data: quickly === undefined ? data : moved(data, quickly.room) };
  // It may be large, and the caller may try the next place at once. What was not compressed is part of the envelope.
  if (blob.uncompressedLength !== 0) release(data);
  return { fault: 'its content does not match its id' };
}

/** Undefined where it did not come to a good end; what is wrong with it is found out slowly. */
function openQuickly(
  opened: Buffer,
  { id, uncompressedLength }: WantedBlob,
  { context, room }: Quickly,
): Buffer | undefined {
  if (uncompressedLength === 0) return undefined;
  const data = context.decode(opened, uncompressedLength, room);
  if (data === undefined || blobIdOf(data) === id) return data;
  context.forget();
  return undefined;
}

function moved(data: Buffer, room: Buffer): Buffer {
  const length = data.copy(room);
  release(data);
  return room.subarray(0, length);
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
