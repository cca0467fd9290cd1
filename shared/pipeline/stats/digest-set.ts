/** A set of digests, 16 bytes for each: a repository may hold millions of different files, and a text for each is too much. */
import { randomBytes } from 'node:crypto';

const WORDS = 4;

export class DigestSet {
  #table = new Uint32Array(1024 * WORDS);
  #size = 0;
  readonly #factor = randomBytes(4).readUInt32LE() | 1;

  get size(): number {
    return this.#size;
  }

  /** Whether it was not in the set yet. The first 16 bytes count. */
  add(digest: Buffer): boolean {
    const key = [0, 4, 8, 12].map((at) => digest.readUInt32LE(at));
    // All zeros mark a free place; no digest of anything is known to be that.
    if (!key.some((word) => word !== 0)) key[3] = 1;
    if (!this.#insert(key)) return false;
    this.#size += 1;
    if (this.#size * WORDS > this.#table.length * 0.6) this.#grow();
    return true;
  }

  #insert(key: readonly number[]): boolean {
    const mask = this.#table.length / WORDS - 1;
    let slot = (Math.imul(key[0] ?? 0, this.#factor) ^ (key[1] ?? 0)) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const found = this.#table.subarray(slot * WORDS, slot * WORDS + WORDS);
      if (found.every((word) => word === 0)) break;
      if (found.every((word, index) => word === key[index])) return false;
    }
    this.#table.set(key, slot * WORDS);
    return true;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const key = Array.from(old.subarray(at, at + WORDS));
      if (key.some((word) => word !== 0)) this.#insert(key);
    }
  }
}
