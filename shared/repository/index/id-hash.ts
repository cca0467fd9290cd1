/**
 * Where an entry of the index belongs in a table. Ids are SHA-256, so any few of their bits are as good as all; but an
 * index may claim whatever ids it likes, and its maker could have all of them meet in one place. So there are
 * two ways: the quick one for ids as they are, and one at which an attacker cannot aim without the key, which is made
 * again for each table. See `entry-slots.ts` for when the second is taken.
 */
import { randomBytes } from 'node:crypto';

/** @param words of which eight from `at` on are an id; `one` and `two` tell apart what has the same id */
export type IdHash = (words: Uint32Array, at: number, one: number, two: number) => number;

const ID_WORDS = 8;

/** Two words of the id; costs next to nothing. */
export function quickHash(): IdHash {
  const factor = randomBytes(4).readUInt32LE() | 1;
  return (words, at, one, two) => {
    const mixed = Math.imul((words[at] ?? 0) + one, factor) ^ ((words[at + 1] ?? 0) + two);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** HalfSipHash-1-3 of J.-P. Aumasson and D. J. Bernstein, over the whole id and the two numbers. */
export function guardedHash(): IdHash {
  const key = new Int32Array(Uint8Array.from(randomBytes(8)).buffer);
  const state = new HalfSip();
  return (words, at, one, two) => {
    state.begin(key[0] ?? 0, key[1] ?? 0);
    for (let word = 0; word < ID_WORDS; word++) state.take(words[at + word] ?? 0);
    state.take(one);
    state.take(two);
    // The last block holds the length in bytes, in its top byte.
    state.take((4 * (ID_WORDS + 2)) << 24);
    return state.end();
  };
}

class HalfSip {
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  begin(key0: number, key1: number): void {
    this.#v0 = key0;
    this.#v1 = key1;
    this.#v2 = 0x6c796765 ^ key0;
    this.#v3 = 0x74656462 ^ key1;
  }

  take(word: number): void {
    this.#v3 ^= word;
    this.#round();
    this.#v0 ^= word;
  }

  end(): number {
    this.#v2 ^= 0xff;
    for (let round = 0; round < 3; round++) this.#round();
    return (this.#v1 ^ this.#v3) >>> 0;
  }

  #round(): void {
    let [v0, v1, v2, v3] = [this.#v0, this.#v1, this.#v2, this.#v3];
    v0 = (v0 + v1) | 0;
    v1 = rotate(v1, 5) ^ v0;
    v0 = rotate(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotate(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotate(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotate(v1, 13) ^ v2;
    v2 = rotate(v2, 16);
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
