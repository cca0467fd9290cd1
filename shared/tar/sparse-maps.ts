/** The two notations of a sparse map that are kept outside pax records, as the tar manual's "Storing Sparse Files" has them. */
import type { ByteSource } from './byte-source.ts';
import type { SparseMap } from './entry.ts';
import { malformed } from './errors.ts';
import { BLOCK_SIZE } from './header.ts';
import { parseHeaderNumber } from './numbers.ts';
import { MAX_SPARSE_PARTS, SparseMapBuilder } from './sparse.ts';

const WHAT = 'the map of a sparse file was whole';

/** GNU's old header of type "S": four parts in the header itself, more in blocks behind it as long as a flag says so. */
export async function readGnuSparseMap(
  source: ByteSource,
  header: Buffer,
  position: number,
): Promise<{ readonly map: SparseMap; readonly mapEnd: number; readonly realSize: number }> {
  const realSize = parseHeaderNumber(header, 483, 12);
  if (!(realSize >= 0)) throw malformed(position + 483, 'a sparse file has no real size');
  const parts = new SparseMapBuilder();
  // The block is a slice of the chunk, which is used up before the next block is taken.
  let extended = takeParts(parts, header, 386, 4, position) && header[482] !== 0;
  while (extended) {
    const at = source.position;
    const block = await source.take(BLOCK_SIZE, WHAT);
    extended = takeParts(parts, block, 0, 21, at) && block[504] !== 0;
  }
  return { ...parts.finish(realSize, position), realSize };
}

/** False when the list ended within these slots. */
function takeParts(parts: SparseMapBuilder, block: Buffer, start: number, slots: number, position: number): boolean {
  for (let slot = 0; slot < slots; slot += 1) {
    const at = start + slot * 24;
    if (block[at + 12] === 0) return false;
    parts.push(parseHeaderNumber(block, at, 12), position + at);
    parts.push(parseHeaderNumber(block, at + 12, 12), position + at + 12);
  }
  return true;
}

const NEWLINE = 0x0a;
const ZERO = 0x30;

/** pax 1.0: decimal numbers, each ended by a newline, filled up to a block: their count of parts, then the parts. */
export async function readSparseMap10(
  source: ByteSource,
  inArchive: number,
  realSize: number,
): Promise<{ readonly map: SparseMap; readonly mapEnd: number; readonly inContent: number }> {
  const start = source.position;
  const parts = new SparseMapBuilder();
  let expected: number | undefined;
  let value = 0;
  let digits = 0;
  while (expected === undefined || parts.count < expected * 2) {
    const position = source.position;
    if (position - start + BLOCK_SIZE > inArchive) throw malformed(position, 'the map of a sparse file has no end');
    const block = source.tryTake(BLOCK_SIZE) ?? (await source.take(BLOCK_SIZE, WHAT));
    for (let at = 0; at < BLOCK_SIZE; at += 1) {
      const byte = block[at] as number;
      if (byte !== NEWLINE) {
        value = value * 10 + (byte - ZERO);
        digits += 1;
        if (byte < ZERO || byte > ZERO + 9 || digits > 16) {
          throw malformed(position + at, 'the map of a sparse file holds no number');
        }
        continue;
      }
      if (digits === 0) throw malformed(position + at, 'the map of a sparse file holds no number');
      if (expected === undefined) expected = countOf(value, position + at);
      else parts.push(Number.isSafeInteger(value) ? value : Number.NaN, position + at);
      value = 0;
      digits = 0;
      if (parts.count === expected * 2) break;
    }
  }
  return { ...parts.finish(realSize, start), inContent: source.position - start };
}

function countOf(value: number, position: number): number {
  if (value <= MAX_SPARSE_PARTS) return value;
  throw malformed(position, `the map of a sparse file has more than ${MAX_SPARSE_PARTS} parts`);
}

/** The map as pax 1.0 has it, filled up to a block. A hole at the end needs an empty part there, or GNU tar cuts it off. */
export function encodeSparseMap10(map: SparseMap, realSize: number): Buffer {
  const last = map.length - 2;
  const end = last < 0 ? 0 : (map[last] as number) + (map[last + 1] as number);
  const numbers = end < realSize ? [...map, realSize, 0] : [...map];
  const text = `${numbers.length / 2}\n${numbers.map((value) => `${value}\n`).join('')}`;
  const block = Buffer.alloc(Math.ceil(text.length / BLOCK_SIZE) * BLOCK_SIZE);
  block.write(text, 'latin1');
  return block;
}
