/**
 * Sparse files as GNU tar reads them: it takes each stored part from the begin of a block of the archive, and drops what is left of
 * the part's last one (`sparse_extract_region` in its sparse.c). Of parts of any length, as pieces that are cut by
 * content leave them, all behind the first one would come to be wrong, without a word. So a part takes as much of the hole
 * behind it as makes it whole blocks; only what ends the file needs none.
 */
import type { SparseMap } from './entry.ts';

const BLOCK_BYTES = 512;

export interface WholeBlocks {
  readonly map: SparseMap;
  /** After so many stored bytes so many zeros, in order. */
  readonly zeros: readonly { readonly after: number; readonly count: number }[];
}

export function wholeBlocks(map: SparseMap, size: number): WholeBlocks {
  const parts: number[] = [];
  const zeros: { after: number; count: number }[] = [];
  let stored = 0;
  for (let at = 0; at < map.length; at += 2) {
    const [offset, length] = [map[at] as number, map[at + 1] as number];
    const isNext = parts.length > 0 && (parts.at(-2) as number) + (parts.at(-1) as number) === offset;
    if (isNext) parts.push((parts.pop() as number) + length);
    else parts.push(offset, length);
    stored += length;
    const end = offset + length;
    const missing = -(parts.at(-1) as number) & (BLOCK_BYTES - 1);
    const count = Math.min(missing, (map[at + 2] ?? size) - end);
    if (count === 0) continue;
    parts.push((parts.pop() as number) + count);
    zeros.push({ after: stored, count });
  }
  return { map: Float64Array.from(parts), zeros };
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Pieces of the stored bytes with the zeros in between. */
export async function* withZeros(
  content: AsyncIterable<Uint8Array>,
  zeros: WholeBlocks['zeros'],
): AsyncGenerator<Uint8Array, void, void> {
  let next = 0;
  let passed = 0;
  for await (const piece of content) {
    let rest = piece;
    for (let zero = zeros[next]; zero !== undefined && zero.after <= passed + rest.length; zero = zeros[next]) {
      const before = rest.subarray(0, zero.after - passed);
      if (before.length > 0) yield before;
      yield ZEROS.subarray(0, zero.count);
      passed += before.length;
      rest = rest.subarray(before.length);
      next += 1;
    }
    if (rest.length > 0) yield rest;
    passed += rest.length;
  }
}
