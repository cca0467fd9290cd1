/** What is left of a file that was on its way when its connection was lost: which parts of it, and their bytes. */
import { invariant } from '../../base/errors.ts';
import type { TarEntry } from '../../tar/entry.ts';
import type { Range } from './pack-files.ts';

/** Each costs two processes on the host. Of a file of more parts, the smallest holes are read and thrown away here. */
const MOST_RANGES = 4096;

export interface Parts {
  /** What is read on the host. */
  readonly ranges: readonly Range[];
  /** What of it is wanted. */
  readonly wanted: readonly Range[];
}

/** @param came how many of the stored bytes are there */
export function partsFrom({ sparse, size }: Pick<TarEntry, 'sparse' | 'size'>, came: number): Parts {
  const map = sparse ?? Float64Array.of(0, size);
  const wanted: Range[] = [];
  let before = 0;
  for (let at = 0; at < map.length; at += 2) {
    const [offset = 0, length = 0] = map.subarray(at, at + 2);
    const skipped = Math.min(length, Math.max(0, came - before));
    before += length;
    if (skipped < length) wanted.push({ offset: offset + skipped, length: length - skipped });
  }
  return { wanted, ranges: joined(wanted) };
}

const endOf = ({ offset, length }: Range): number => offset + length;

/** The largest holes stay, as many as there may be. */
export function joined(ranges: readonly Range[]): readonly Range[] {
  if (ranges.length <= MOST_RANGES) return ranges;
  const gaps = ranges.slice(1).map((range, before) => ({
    before,
    bytes: range.offset - endOf(ranges[before] as Range),
  }));
  const kept = gaps.toSorted((a, b) => b.bytes - a.bytes).slice(0, MOST_RANGES - 1);
  const ends = [...kept.map(({ before }) => before).toSorted((a, b) => a - b), ranges.length - 1];
  return ends.map((end, index) => {
    const { offset } = ranges[index === 0 ? 0 : (ends[index - 1] as number) + 1] as Range;
    return { offset, length: endOf(ranges[end] as Range) - offset };
  });
}

/**
 * The wanted bytes of what is read. Where less comes, because a place cannot be read, what follows it is no content any
 * more, and zeros fill it up to its length; the file is in doubt then, as one is that tar fills up.
 * @param missing called with how many bytes those are
 */
export async function* filledUp(
  { ranges, wanted }: Parts,
  chunks: AsyncIterable<Buffer>,
  missing: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const total = wanted.reduce((sum, { length }) => sum + length, 0);
  let given = 0;
  let range = 0;
  let at = ranges[0]?.offset ?? 0;
  let want = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      const reading = ranges[range];
      invariant(reading !== undefined, 'no more comes than was asked for');
      const here = rest.subarray(0, Math.min(rest.length, endOf(reading) - at));
      const hereEnds = at + here.length;
      // Before any of it is given out, and with it perhaps its memory.
      rest = rest.subarray(here.length);
      for (let next = wanted[want]; next !== undefined && next.offset < hereEnds; next = wanted[want]) {
        const from = Math.max(next.offset, at);
        const piece = here.subarray(from - at, Math.min(endOf(next), hereEnds) - at);
        given += piece.length;
        if (piece.length > 0) yield piece;
        if (endOf(next) > hereEnds) break;
        want += 1;
      }
      at = hereEnds;
      if (at === endOf(reading)) {
        range += 1;
        at = ranges[range]?.offset ?? 0;
      }
    }
  }
  if (given === total) return;
  missing(total - given);
  // Each time other ones: they may be moved to a thread.
  for (let left = total - given; left > 0; left -= ZEROS_BYTES) yield Buffer.alloc(Math.min(left, ZEROS_BYTES));
}

const ZEROS_BYTES = 64 * 1024;
