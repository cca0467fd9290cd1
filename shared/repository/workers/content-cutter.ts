/**
 * Cuts content where it says so, as restic does with the polynomial of the repository: what moved within a file, by an insertion
 * before it, is found again, and what either of the two programs stored is known to the other. A window of 64 bytes runs over the
 * content; a piece ends where the lowest 20 bits of its fingerprint are zero, and has from 512 KiB to 8 MiB.
 *
 * Whether a byte ends a piece depends on the 64 bytes up to it and on how long the piece is by then. Three things follow: what
 * comes before the window at the least length is never looked at; a piece begins anew at each border, so content may be
 * cut from any border on; and zeros, of which the fingerprint is zero, are cut at the least length for as long as they last.
 */
import { release } from '../../base/release.ts';
import { LEAST_PIECE_BYTES, MOST_PIECE_BYTES } from '../pieces.ts';
import { BLOCK_BYTES, type BorderFinder, LEAD_BYTES } from './border-finder.ts';

/** A piece, in a buffer of its own, or how many follow of the least length that are zeros. */
export type Cut = Uint8Array<ArrayBuffer> | number;

/** Never written to. */
const ZEROS = new Uint8Array(LEAST_PIECE_BYTES);

/** Whether there is a border behind these bytes and none in them, whatever follows. */
export function isPiece(finder: BorderFinder, data: Uint8Array): boolean {
  const cutter = new ContentCutter(finder);
  // What is added is the cutter's.
  const cuts = [...cutter.add([Uint8Array.from(data)]), ...cutter.look()];
  return cutter.openBytes === 0 && cuts.length === 1 && cuts[0] !== 0 && (typeof cuts[0] !== 'number' || cuts[0] === 1);
}

export class ContentCutter {
  readonly #finder: BorderFinder;
  /** The open piece, with what came behind it and was not looked at yet. */
  #parts: Uint8Array[] = [];
  #length = 0;
  /** There is no border before this place of the piece. */
  #looked = LEAST_PIECE_BYTES - 1;
  #cuts: Cut[] = [];

  constructor(finder: BorderFinder) {
    this.#finder = finder;
  }

  /** Their owner is the cutter from now on. Gives the pieces that end. */
  add(data: readonly Uint8Array[]): Cut[] {
    for (const some of data) this.#append(some);
    this.#cut(false);
    return this.#taken();
  }

  /** As so many bytes of zero, at a cost that does not grow with them. */
  addZeros(count: number): Cut[] {
    let left = count;
    while (this.#length > 0) {
      // Behind so many there is a border at the latest; one before them opens a piece that is cut in the next round.
      const needed = Math.max(LEAD_BYTES, LEAST_PIECE_BYTES - this.#length);
      if (left < needed) break;
      this.#append(ZEROS.subarray(0, needed));
      left -= needed;
      this.#cut(true);
    }
    if (this.#length === 0 && left >= LEAST_PIECE_BYTES) {
      this.#addZeroPieces(Math.floor(left / LEAST_PIECE_BYTES));
      left %= LEAST_PIECE_BYTES;
    }
    this.#append(ZEROS.subarray(0, left));
    return this.#taken();
  }

  /** Gives the pieces that end in what came so far, looked at to its last byte. */
  look(): Cut[] {
    this.#cut(true);
    return this.#taken();
  }

  /** What has come of the piece that has not ended. */
  get openBytes(): number {
    return this.#length;
  }

  /** Gives what is left; the next that is added begins anew. */
  end(): Cut[] {
    this.#cut(true);
    if (this.#length > 0) this.#take(this.#length);
    return this.#taken();
  }

  #append(data: Uint8Array): void {
    if (data.length === 0) return;
    this.#parts.push(data);
    this.#length += data.length;
  }

  #taken(): Cut[] {
    const cuts = this.#cuts;
    this.#cuts = [];
    return cuts;
  }

  #cut(isAll: boolean): void {
    for (let end = this.#findEnd(isAll); end !== undefined; end = this.#findEnd(isAll)) this.#take(end);
  }

  /** @param isAll whether less than a block is looked at too; it will be worth the while later */
  #findEnd(isAll: boolean): number | undefined {
    const { memory, border } = this.#finder;
    const limit = Math.min(this.#length, MOST_PIECE_BYTES);
    while (this.#looked < limit) {
      const length = Math.min(BLOCK_BYTES, limit - this.#looked);
      if (length < BLOCK_BYTES && limit < MOST_PIECE_BYTES && !isAll) return undefined;
      this.#copy(this.#looked - LEAD_BYTES, memory.subarray(0, LEAD_BYTES + length));
      const found = border(length);
      if (found > 0) return this.#looked + found;
      this.#looked += length;
    }
    return limit === MOST_PIECE_BYTES ? limit : undefined;
  }

  /** What the piece has from a place on. */
  #copy(from: number, into: Uint8Array): void {
    let start = 0;
    let at = 0;
    for (const part of this.#parts) {
      const skipped = Math.max(0, from + at - start);
      start += part.length;
      if (skipped >= part.length) continue;
      const some = part.subarray(skipped, skipped + into.length - at);
      into.set(some, at);
      at += some.length;
      if (at === into.length) return;
    }
  }

  #take(length: number): void {
    const piece = new Uint8Array(length);
    this.#copy(0, piece);
    this.#drop(length);
    if (length === LEAST_PIECE_BYTES && Buffer.compare(piece, ZEROS) === 0) {
      release(piece);
      this.#addZeroPieces(1);
    } else this.#cuts.push(piece);
  }

  #addZeroPieces(count: number): void {
    const last = this.#cuts.at(-1);
    if (typeof last === 'number') this.#cuts[this.#cuts.length - 1] = last + count;
    else this.#cuts.push(count);
  }

  /** What is left begins a piece. */
  #drop(length: number): void {
    let left = length;
    for (let part = this.#parts[0]; left > 0 && part !== undefined; part = this.#parts[0]) {
      if (left < part.length) {
        this.#parts[0] = part.subarray(left);
        break;
      }
      left -= part.length;
      this.#parts.shift();
      if (part.buffer !== ZEROS.buffer) release(part);
    }
    this.#length -= length;
    this.#looked = LEAST_PIECE_BYTES - 1;
  }
}
