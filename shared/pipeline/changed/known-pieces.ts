/** The pieces that a file had in the parent restore point, as far as they may be pieces of the file as it is now. */
import { createHash } from 'node:crypto';
import type { BlobId } from '../../repository/ids.ts';
import type { SparseMap } from '../../tar/entry.ts';

/** In order, with where each ends. */
export interface FilePieces {
  readonly ids: readonly BlobId[];
  readonly ends: Float64Array;
}

/** One after the other, by their numbers: from the first one to before the last one. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export class KnownPieces {
  readonly #pieces: FilePieces;
  /** How many of them may still be pieces. */
  readonly count: number;

  /**
   * Where the file has ended, a piece ended that would have gone on otherwise: it is one again only where the file ends there now.
   * @param size of the file as it is now
   */
  constructor(pieces: FilePieces, size: number) {
    this.#pieces = pieces;
    const { ends } = pieces;
    let count = ends.length;
    if (count > 0 && ends[count - 1] !== size) count -= 1;
    while (count > 0 && (ends[count - 1] as number) > size) count -= 1;
    this.count = count;
  }

  id(number: number): BlobId {
    return this.#pieces.ids[number] as BlobId;
  }

  /** Where the piece of this number begins, and the one before it ends. */
  start(number: number): number {
    return number === 0 ? 0 : (this.#pieces.ends[number - 1] as number);
  }

  bytes(number: number): number {
    return this.start(number + 1) - this.start(number);
  }

  bytesOf({ from, to }: Stretch): number {
    return this.start(to) - this.start(from);
  }

  /** As many as have about so many bytes together; one at least. */
  stretchFrom(from: number, bytes: number): Stretch {
    const { ends } = this.#pieces;
    let to = from + 1;
    while (to < this.count && (ends[to] as number) - this.start(from) <= bytes) to += 1;
    return { from, to };
  }
}

/** Walks a map from its beginning to its end: whether a part of the file is nothing but a hole. Parts are asked for in order. */
export class Holes {
  readonly #map: SparseMap | undefined;
  #at = 0;

  constructor(map: SparseMap | undefined) {
    this.#map = map;
  }

  hasOnly(start: number, end: number): boolean {
    const map = this.#map;
    if (map === undefined) return false;
    while (this.#at < map.length && (map[this.#at] as number) + (map[this.#at + 1] as number) <= start) this.#at += 2;
    return this.#at >= map.length || (map[this.#at] as number) >= end;
  }
}

const zeroIds = new Map<number, string>();

/** Pieces of zeros have a few lengths, and are many. */
export function idOfZeros(bytes: number): string {
  const known = zeroIds.get(bytes);
  if (known !== undefined) return known;
  const id = createHash('sha256').update(Buffer.alloc(bytes)).digest('hex');
  if (zeroIds.size < 16) zeroIds.set(bytes, id);
  return id;
}
