/**
 * Pack files: sealed blobs one after the other, then the sealed header that lists them, then the header's length as
 * four bytes, little-endian. Header entries: type (0 data, 1 tree, 2 and 3 the same compressed), sealed length,
 * plaintext length where compressed, id; blobs lie in the order of the entries, from offset 0.
 */
import { OVERHEAD_BYTES } from '../crypto/aes-poly1305.ts';
import type { BlobId, BlobType } from '../ids.ts';
import { damagedJson } from './go-json.ts';

/** A blob in a pack. */
export interface PackedBlob {
  readonly type: BlobType;
  readonly id: BlobId;
  readonly offset: number;
  /** Bytes in the pack, envelope included. */
  readonly length: number;
  /** Plaintext bytes of a compressed blob; 0 for one that is stored as it is. */
  readonly uncompressedLength: number;
}

const PLAIN_ENTRY_BYTES = 37;
const COMPRESSED_ENTRY_BYTES = 41;
const LENGTH_BYTES = 4;
/** What restic reads. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;
/** Offsets in an index are read as numbers of 32 bits. */
const MOST_OFFSET = 0xffff_ffff;

export function plaintextLength(blob: Pick<PackedBlob, 'length' | 'uncompressedLength'>): number {
  return blob.uncompressedLength === 0 ? blob.length - OVERHEAD_BYTES : blob.uncompressedLength;
}

/** The plaintext of the header. */
export function encodePackHeader(blobs: readonly PackedBlob[]): Buffer {
  const header = Buffer.alloc(blobs.reduce((sum, blob) => sum + entryBytes(blob), 0));
  let at = 0;
  for (const blob of blobs) {
    const compressed = blob.uncompressedLength !== 0;
    at = header.writeUInt8((blob.type === 'tree' ? 1 : 0) + (compressed ? 2 : 0), at);
    at = header.writeUInt32LE(blob.length, at);
    if (compressed) at = header.writeUInt32LE(blob.uncompressedLength, at);
    at += header.write(blob.id, at, 'hex');
  }
  return header;
}

function entryBytes(blob: Pick<PackedBlob, 'uncompressedLength'>): number {
  return blob.uncompressedLength === 0 ? PLAIN_ENTRY_BYTES : COMPRESSED_ENTRY_BYTES;
}

/** The size that the whole pack has to have. */
export function packSizeOf(blobs: Iterable<Pick<PackedBlob, 'length' | 'uncompressedLength'>>): number {
  let size = OVERHEAD_BYTES + LENGTH_BYTES;
  for (const blob of blobs) size += blob.length + entryBytes(blob);
  return size;
}

/** The last four bytes of a pack. */
export function encodeHeaderLength(sealedHeaderBytes: number): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(sealedHeaderBytes);
  return length;
}

/** Where the sealed header lies, from the last four bytes and the size of the file. */
export function headerRange(tail: Buffer, packBytes: number, what: string): { offset: number; length: number } {
  const length = tail.length >= LENGTH_BYTES ? tail.readUInt32LE(tail.length - LENGTH_BYTES) : 0;
  const offset = packBytes - LENGTH_BYTES - length;
  if (length < OVERHEAD_BYTES + PLAIN_ENTRY_BYTES || length > MAX_HEADER_BYTES || offset < 0) {
    throw damagedJson(what, 'has no header where one must be');
  }
  return { offset, length };
}

export function decodePackHeader(header: Buffer, what: string): PackedBlob[] {
  const blobs: PackedBlob[] = [];
  let offset = 0;
  for (let at = 0; at < header.length; ) {
    const kind = header[at] ?? 255;
    const bytes = (kind & 2) === 0 ? PLAIN_ENTRY_BYTES : COMPRESSED_ENTRY_BYTES;
    if (kind > 3 || at + bytes > header.length) throw damagedJson(what, 'has a header that cannot be understood');
    const length = header.readUInt32LE(at + 1);
    if (length < OVERHEAD_BYTES) throw damagedJson(what, 'lists a blob that is too short to be one');
    blobs.push({
      type: (kind & 1) === 1 ? 'tree' : 'data',
      id: header.toString('hex', at + bytes - 32, at + bytes) as BlobId,
      offset,
      length,
      uncompressedLength: (kind & 2) === 0 ? 0 : header.readUInt32LE(at + 5),
    });
    offset += length;
    if (offset > MOST_OFFSET) throw damagedJson(what, 'lists more than a pack can hold');
    at += bytes;
  }
  return blobs;
}
