/**
 * What is inside the envelope of an index, lock or restore point. Version 1: JSON. Version 2: the byte 2 and then JSON
 * under zstd; JSON that begins with `{` or `[` is read there too.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damagedJson } from './go-json.ts';

const COMPRESSED = 2;
const JSON_STARTS = [0x5b, 0x7b];
/** No honest index is larger; a few bytes that claim to be terabytes must not take the machine down. */
const MAX_PLAIN_BYTES = 1024 ** 3;
const MAX_STEP_BYTES = 16 * 1024 ** 2;

export function encodeUnpacked(json: Buffer, version: 1 | 2): Buffer {
  if (version === 1) return json;
  const level = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };
  return Buffer.concat([Buffer.of(COMPRESSED), zstdCompressSync(json, { params: level })]);
}

export function decodeUnpacked(plaintext: Buffer, what: string): Buffer {
  const first = plaintext[0];
  if (first !== undefined && JSON_STARTS.includes(first)) return plaintext;
  if (first !== COMPRESSED) throw damagedJson(what, `begins with the unknown mark ${first ?? 'nothing'}`);
  try {
    // The output grows in steps of this; an index is some three times as long as what is stored.
    const chunkSize = Math.min(4 * plaintext.length + 64, MAX_STEP_BYTES);
    return zstdDecompressSync(plaintext.subarray(1), { chunkSize, maxOutputLength: MAX_PLAIN_BYTES });
  } catch (cause) {
    throw damagedJson(what, 'cannot be decompressed', cause);
  }
}
