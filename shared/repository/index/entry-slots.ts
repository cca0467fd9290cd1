/**
 * An open-addressing table of entry numbers: it knows where an entry is, not what it is.
 *
 * Its work is linear whatever the ids are. Searches that pass by more entries than ids that are random ever make them
 * pass show that an attacker chose the ids; from then on they are placed by a keyed hash, at which an attacker cannot
 * aim.
 */
import { guardedHash, type IdHash, quickHash } from './id-hash.ts';

/**
 * The low bits of a slot are an entry's number plus one; the others a part of its hash, which mostly spares a look at
 * it.
 */
const NUMBER_BITS = 27;
const NUMBER_MASK = 2 ** NUMBER_BITS - 1;
const TAG_MASK = ~NUMBER_MASK;
/** More entries than this would take more memory than any machine gives us. */
export const MOST_ENTRIES = NUMBER_MASK;

const FIRST_SLOTS = 1024;
const FULLEST = 0.7;
/** A table this full passes by some three entries for each that is added; one search in millions passes by 300. */
const MOST_PASSED = 1000;
const MOST_PASSED_ON_AVERAGE = 16;

/** The hash of an entry by the given way. */
type HashOf = (entry: number, hash: IdHash) => number;
/** Gives all entries that belong into the table, in the order in which they lie in memory. */
type EachEntry = (place: (entry: number) => void) => void;

export class EntrySlots {
  readonly #hashOf: HashOf;
  readonly #eachEntry: EachEntry;
  #slots = new Uint32Array(FIRST_SLOTS);
  #count = 0;
  #passed = 0;
  #hash: IdHash;
  #isGuarded: boolean;

  /** @param isGuarded whether the keyed hash is taken from the first entry on */
  constructor(hashOf: HashOf, eachEntry: EachEntry, isGuarded: boolean) {
    this.#hashOf = hashOf;
    this.#eachEntry = eachEntry;
    this.#isGuarded = isGuarded;
    this.#hash = isGuarded ? guardedHash() : quickHash();
  }

  get count(): number {
    return this.#count;
  }

  get isGuarded(): boolean {
    return this.#isGuarded;
  }

  /** The way to the hash of what is looked for; it changes when an entry is added. */
  get hash(): IdHash {
    return this.#hash;
  }

  find(hash: number, matches: (entry: number) => boolean): number | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const tag = hash & TAG_MASK;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = slots[at] as number;
      if (slot === 0) return undefined;
      if (((slot ^ tag) & TAG_MASK) === 0 && matches((slot & NUMBER_MASK) - 1)) return (slot & NUMBER_MASK) - 1;
    }
  }

  /** Takes in all entries that there are; the table must be empty. */
  addAll(count: number): void {
    this.#count = count;
    this.#placeAll();
  }

  /** What must not be in it yet, nor anything like it. */
  add(entry: number): void {
    this.#count += 1;
    if (this.#count > this.#slots.length * FULLEST) this.#placeAll();
    else this.#judge(this.#place(entry));
  }

  #placeAll(): void {
    let size = this.#slots.length;
    while (this.#count > size * FULLEST) size *= 2;
    this.#slots = new Uint32Array(size);
    let most = 0;
    this.#eachEntry((entry) => {
      most = Math.max(most, this.#place(entry));
    });
    this.#judge(most);
  }

  /** @param passed by the search that passed by most */
  #judge(passed: number): void {
    const isAimedAt = passed > MOST_PASSED || this.#passed > this.#slots.length * MOST_PASSED_ON_AVERAGE;
    if (!isAimedAt || this.#isGuarded) return;
    this.#isGuarded = true;
    this.#hash = guardedHash();
    this.#placeAll();
  }

  /** How many entries were in the way. */
  #place(entry: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = this.#hashOf(entry, this.#hash);
    let at = hash & mask;
    let passed = 0;
    for (; slots[at] !== 0; at = (at + 1) & mask) passed += 1;
    slots[at] = (hash & TAG_MASK) | (entry + 1);
    this.#passed += passed;
    return passed;
  }
}
