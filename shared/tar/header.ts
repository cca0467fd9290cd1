/**
 * One 512-byte header block. The layout is POSIX.1-1988 ustar; GNU's magic "ustar  " means that the bytes after the
 * device numbers are not a name prefix, and old headers without a magic have neither.
 */
import { malformed } from './errors.ts';
import { parseHeaderNumber } from './numbers.ts';

export const BLOCK_SIZE = 512;

/** Offsets and lengths of the fields. */
const FIELD = {
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  devMajor: [329, 8],
  devMinor: [337, 8],
} as const;

export interface RawHeader {
  readonly name: Buffer;
  /** The type flag's byte. */
  readonly flag: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly linkName: Buffer;
  readonly devMajor: number;
  readonly devMinor: number;
}

/** `block` lies at `position`. Names are copied: they outlive the chunk. */
export function parseHeader(block: Buffer, position: number): RawHeader {
  verifyChecksum(block, position);
  const isUstar = block[257] === 0x75 && block[258] === 0x73 && block[259] === 0x74 && block[260] === 0x61;
  const isPosix = isUstar && block[262] === 0;
  const number = (field: keyof typeof FIELD): number => {
    const [start, length] = FIELD[field];
    const value = parseHeaderNumber(block, start, length);
    if (Number.isNaN(value)) throw malformed(position + start, `its header holds no number as ${field}`);
    return value;
  };
  const natural = (field: keyof typeof FIELD): number => {
    const value = number(field);
    if (value < 0) throw malformed(position + FIELD[field][0], `its header holds a negative ${field}`);
    return value;
  };
  return {
    name: headerName(block, isPosix),
    flag: block[156] as number,
    mode: natural('mode'),
    uid: natural('uid'),
    gid: natural('gid'),
    size: natural('size'),
    mtime: number('mtime'),
    linkName: field(block, 157, 257),
    devMajor: isUstar ? natural('devMajor') : 0,
    devMinor: isUstar ? natural('devMinor') : 0,
  };
}

export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.equals(ZERO_BLOCK);
}

const ZERO_BLOCK: Buffer = Buffer.alloc(BLOCK_SIZE);

/** The sum of all bytes with the checksum's own field read as blanks. */
export function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < 148; at += 1) sum += block[at] as number;
  for (let at = 156; at < BLOCK_SIZE; at += 1) sum += block[at] as number;
  return sum;
}

function verifyChecksum(block: Buffer, position: number): void {
  const [start, length] = FIELD.checksum;
  const stored = parseHeaderNumber(block, start, length);
  if (stored === checksumOf(block)) return;
  throw malformed(position, 'the checksum of a header does not match');
}

function headerName(block: Buffer, isPosix: boolean): Buffer {
  const name = field(block, 0, 100);
  if (!isPosix || block[345] === 0) return name;
  return Buffer.concat([field(block, 345, 500), SLASH, name]);
}

const SLASH = Buffer.from('/');
const EMPTY = Buffer.alloc(0);

function field(block: Buffer, start: number, end: number): Buffer {
  if (block[start] === 0) return EMPTY;
  const nul = block.indexOf(0, start);
  return Buffer.from(block.subarray(start, nul < 0 || nul > end ? end : nul));
}
