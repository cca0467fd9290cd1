/**
 * What is inside the envelope of an index, lock or restore point. Version 1: JSON. Version 2: the byte 2 and then JSON
 * under zstd; JSON that begins with `{` or `[` is read there too.
 *
 * A few bytes can expand to gigabytes. How much is taken from them depends on the kind of file, and on how much is
 * stored: ids are random, so the text of an honest index shrinks to a fifth, and lists of paths to a thirtieth.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { formatBytes } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { damagedJson } from './go-json.ts';
import { claimedSize } from './zstd-frame.ts';

export type UnpackedType = 'index' | 'snapshots' | 'locks';

const COMPRESSED = 2;
const JSON_STARTS = [0x5b, 0x7b];
const MIB = 1024 ** 2;
const MAX_STEP_BYTES = 16 * MIB;

interface PlainBounds {
  /** Always allowed. */
  readonly least: number;
  /** Never more, whatever is stored. */
  readonly most: number;
}

const BOUNDS: Readonly<Record<UnpackedType, PlainBounds>> = {
  locks: { least: MIB, most: MIB },
  snapshots: { least: MIB, most: 64 * MIB },
  index: { least: 64 * MIB, most: 2 ** 31 - 1 },
};
/** Text to what is stored. */
const MOST_RATIO = 128;

export function encodeUnpacked(json: Buffer, version: 1 | 2): Buffer {
  if (version === 1) return json;
  const level = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };
  return Buffer.concat([Buffer.of(COMPRESSED), zstdCompressSync(json, { params: level })]);
}

/** @param what the file, for errors: "index 1a2b3c4d" */
export function decodeUnpacked(plaintext: Buffer, type: UnpackedType, what: string): Buffer {
  const first = plaintext[0];
  const { least, most } = BOUNDS[type];
  const mostBytes = Math.min(most, Math.max(least, MOST_RATIO * plaintext.length));
  if (first !== undefined && JSON_STARTS.includes(first)) {
    if (plaintext.length > mostBytes) throw tooLong(what, 'holds', plaintext.length, mostBytes);
    return plaintext;
  }
  if (first !== COMPRESSED) throw damagedJson(what, `begins with the unknown mark ${first ?? 'nothing'}`);
  const frame = plaintext.subarray(1);
  const claimed = claimedSize(frame);
  if (claimed !== undefined && claimed > mostBytes) throw tooLong(what, 'would grow to', claimed, mostBytes);
  try {
    // The output grows in steps of this; an index is some three times as long as what is stored.
    const chunkSize = Math.min(4 * plaintext.length + 64, MAX_STEP_BYTES);
    return zstdDecompressSync(frame, { chunkSize, maxOutputLength: mostBytes });
  } catch (cause) {
    // The frame said nothing of its size, or something untrue.
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLong(what, 'grows to', undefined, mostBytes);
    throw damagedJson(what, 'cannot be decompressed', cause);
  }
}

function tooLong(what: string, does: string, bytes: number | undefined, mostBytes: number): Error {
  const size = bytes === undefined ? `more than ${formatBytes(mostBytes)}` : formatBytes(bytes);
  const message = `The file of ${what} ${does} ${size} of text, where at most ${formatBytes(mostBytes)} is plausible.`;
  return new StillpointError('repository.damaged', message, {
    advice: 'It is damaged or malicious, and is not used. Run "stillpoint check" to see what is affected.',
    cause: undefined,
  });
}
