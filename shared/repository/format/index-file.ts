/** Index files: which pack holds which blobs, as JSON. Source: restic's design document, "Indexing". */

import { type BlobId, isId, type PackId } from '../ids.ts';
import { damagedJson } from './go-json.ts';
import { membersOf, piecesOf } from './long-json.ts';
import type { PackedBlob } from './pack.ts';

export interface IndexedPack {
  readonly id: PackId;
  readonly blobs: readonly PackedBlob[];
}

export function encodeIndex(packs: Iterable<IndexedPack>): Buffer {
  const texts: string[] = [];
  for (const pack of packs) texts.push(`{"id":"${pack.id}","blobs":[${pack.blobs.map(blobText).join(',')}]}`);
  return Buffer.from(`{"packs":[${texts.join(',')}]}`);
}

function blobText(blob: PackedBlob): string {
  const plain = blob.uncompressedLength === 0 ? '' : `,"uncompressed_length":${blob.uncompressedLength}`;
  return `{"id":"${blob.id}","type":"${blob.type}","offset":${blob.offset},"length":${blob.length}${plain}}`;
}

interface RawPack {
  readonly id?: unknown;
  readonly blobs?: unknown;
}

interface RawBlob {
  readonly id?: unknown;
  readonly type?: unknown;
  readonly offset?: unknown;
  readonly length?: unknown;
  readonly uncompressed_length?: unknown;
}

/** Checked by hand and not by a schema: a large repository has millions of entries. Some are parsed at a time. */
export function* decodeIndex(json: Buffer, what: string): Generator<IndexedPack> {
  const packs = membersOf(json, what).get('packs');
  if (packs === undefined) return;
  for (const { values } of piecesOf(json, packs, what)) {
    for (const value of values) yield decodePack(value as RawPack | null, what);
  }
}

function decodePack(pack: RawPack | null, what: string): IndexedPack {
  if (typeof pack?.id !== 'string' || !isId(pack.id) || !Array.isArray(pack.blobs)) {
    throw damagedJson(what, 'lists a pack without id or blobs');
  }
  return { id: pack.id as PackId, blobs: (pack.blobs as readonly RawBlob[]).map((blob) => decodeBlob(blob, what)) };
}

function decodeBlob(raw: RawBlob, what: string): PackedBlob {
  const { id, type, offset, length, uncompressed_length: plain = 0 } = raw;
  if (typeof id === 'string' && isId(id) && (type === 'data' || type === 'tree')) {
    if (isSize(offset) && isSize(length) && isSize(plain)) {
      return { id: id as BlobId, type, offset, length, uncompressedLength: plain };
    }
  }
  throw damagedJson(what, 'lists a blob that cannot be one');
}

/** Offsets and lengths are 32 bits wide in a pack's header. */
function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
