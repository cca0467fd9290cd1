/**
 * From one repository's key to another's, blob by blob. A blob is opened, and proved against its id, which needs its
 * plaintext; but what was compressed well is stored as it is and not compressed again, because that is what costs.
 */

import { zstdDecompressSync } from 'node:zlib';
import { release } from '../../base/release.ts';
import { endOf, type Message, OVERHEAD_BYTES, placeAfter, type Sealer } from '../crypto/aes-poly1305.ts';
import { type BlobType, blobIdOf } from '../ids.ts';
import type { ForeignBlob } from '../repository.ts';
import { type Compressor, compress } from './encode.ts';
import type { EncodedBlob } from './messages.ts';

export interface Reseal {
  readonly from: { readonly sealer: Sealer; readonly version: 1 | 2 };
  readonly to: { readonly sealer: Sealer; readonly version: 1 | 2; readonly compressor: Compressor };
}

export interface Resealed {
  readonly data: Buffer;
  readonly blobs: readonly EncodedBlob[];
  /** Places of the blobs that are not what their ids say. */
  readonly faults: readonly number[];
}

interface Body {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly uncompressedLength: number;
}

export function reseal(type: BlobType, data: Uint8Array, blobs: readonly ForeignBlob[], how: Reseal): Resealed {
  const bodies: Body[] = [];
  const faults: number[] = [];
  for (const [index, blob] of blobs.entries()) {
    const body = how.from.sealer.open(data.subarray(blob.offset, blob.offset + blob.length));
    const plain = body === undefined ? undefined : inflate(body, blob.uncompressedLength);
    if (body === undefined || plain === undefined || blobIdOf(plain) !== blob.id) faults.push(index);
    else bodies.push({ index, ...choose(type, blob, body, plain, how) });
  }
  const messages: Message[] = [];
  for (const { bytes } of bodies) messages.push({ offset: placeAfter(messages.at(-1)), length: bytes.length });
  const memory = Buffer.allocUnsafeSlow(endOf(messages));
  const encoded: EncodedBlob[] = [];
  for (const [at, { offset, length }] of messages.entries()) {
    const { index, bytes, uncompressedLength } = bodies[at] as Body;
    memory.set(bytes, offset);
    release(bytes);
    encoded.push({ index, length: length + OVERHEAD_BYTES, uncompressedLength });
  }
  const sealed = how.to.sealer.sealAll(memory, messages);
  release(memory);
  return { data: sealed, blobs: encoded, faults };
}

/** Format 1 knows no compression; what format 1 had to leave as it was, format 2 compresses. */
function choose(
  type: BlobType,
  { uncompressedLength }: ForeignBlob,
  body: Buffer,
  plain: Buffer,
  { from, to }: Reseal,
): Omit<Body, 'index'> {
  const isCompressed = uncompressedLength !== 0;
  if (to.version === 2 && isCompressed) {
    release(plain);
    return { bytes: body, uncompressedLength };
  }
  if (isCompressed) release(body);
  const compressed = from.version === 1 && to.version === 2 ? compress(plain, type, to.compressor) : undefined;
  if (compressed === undefined) return { bytes: plain, uncompressedLength: 0 };
  const length = plain.length;
  release(plain);
  return { bytes: compressed, uncompressedLength: length };
}

function inflate(body: Buffer, uncompressedLength: number): Buffer | undefined {
  if (uncompressedLength === 0) return body;
  try {
    const chunkSize = Math.max(uncompressedLength, 64);
    const plain = zstdDecompressSync(body, { maxOutputLength: uncompressedLength, chunkSize });
    return plain.length === uncompressedLength ? plain : undefined;
  } catch {
    return undefined;
  }
}
