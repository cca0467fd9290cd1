/**
 * Sparse files. A map says which parts of a file are stored; the rest reads as zeros. Four notations are read (GNU's
 * own header "S" and pax 0.0, 0.1 and 1.0), one is written (pax 1.0).
 */
import type { SparseMap, TarEntry } from './entry.ts';
import { incomplete, malformed } from './errors.ts';

/** 64 MiB of memory; a file with more parts is refused rather than read wrongly. */
export const MAX_SPARSE_PARTS = 4 * 1024 * 1024;

export type SparseEvent =
  | { readonly kind: 'data'; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'hole'; readonly offset: number; readonly length: number };

/** How many bytes of the file are stored. */
export function storedBytes(map: SparseMap): number {
  let sum = 0;
  for (let at = 1; at < map.length; at += 2) sum += map[at] as number;
  return sum;
}

/** Collects the numbers of a map, whatever notation they come in, and refuses what is not a map of the file. */
export class SparseMapBuilder {
  #numbers = new Float64Array(64);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(value: number, position: number): void {
    if (Number.isNaN(value)) throw malformed(position, 'the map of a sparse file holds no number');
    if (this.#count === MAX_SPARSE_PARTS * 2) {
      throw malformed(position, `the map of a sparse file has more than ${MAX_SPARSE_PARTS} parts`);
    }
    if (this.#count === this.#numbers.length) {
      const larger = new Float64Array(this.#numbers.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#count++] = value;
  }

  /** Empty parts, with which GNU tar marks the end of a file, are left out of the map and count for `mapEnd`. */
  finish(realSize: number, position: number): { readonly map: SparseMap; readonly mapEnd: number } {
    if (this.#count % 2 !== 0) throw malformed(position, 'the map of a sparse file has a part without a length');
    let end = 0;
    let mapEnd = 0;
    let kept = 0;
    for (let at = 0; at < this.#count; at += 2) {
      const offset = this.#numbers[at] as number;
      const length = this.#numbers[at + 1] as number;
      mapEnd = offset + length;
      if (length === 0) continue;
      if (offset < end || length < 0 || offset + length > realSize) {
        throw malformed(position, 'the map of a sparse file does not fit the file');
      }
      end = offset + length;
      this.#numbers[kept++] = offset;
      this.#numbers[kept++] = length;
    }
    return { map: this.#numbers.slice(0, kept), mapEnd };
  }
}

/** The content of a file in order, holes included; what it yields covers 0 to `size` without a gap. */
export async function* expandSparse(entry: TarEntry): AsyncGenerator<SparseEvent> {
  const map = entry.sparse ?? Float64Array.of(0, entry.size);
  let part = 0;
  let offset = 0;
  for await (const data of entry.content) {
    let rest = data;
    while (rest.length > 0) {
      if (part >= map.length) throw malformed(entry.position, 'a file holds more than its header says');
      const start = map[part] as number;
      const end = start + (map[part + 1] as number);
      if (offset < start) {
        yield { kind: 'hole', offset, length: start - offset };
        offset = start;
      }
      const piece = rest.subarray(0, Math.min(rest.length, end - offset));
      const from = offset;
      // Before it is given out, and with it perhaps its memory.
      rest = rest.subarray(piece.length);
      offset += piece.length;
      if (offset === end) part += 2;
      yield { kind: 'data', offset: from, data: piece };
    }
  }
  if (part < map.length && (map[part + 1] as number) > 0)
    throw incomplete(entry.position, 'the content of a file was whole');
  if (offset < entry.size) yield { kind: 'hole', offset, length: entry.size - offset };
}
