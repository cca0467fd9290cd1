/**
 * The entries of the index: one for each place of each blob, by number, in typed arrays that are appended to in
 * segments and never move. 52 bytes an entry. Entries of one blob are chained from the first of them.
 */
import { invariant } from '../../base/errors.ts';
import { FACT_WORDS, ID_BYTES } from '../format/index-table.ts';
import type { BlobId } from '../ids.ts';
import { MOST_ENTRIES } from './entry-slots.ts';
import type { IdHash } from './id-hash.ts';

const SEGMENT_BITS = 15;
const SEGMENT_ENTRIES = 1 << SEGMENT_BITS;
const LOCAL_MASK = SEGMENT_ENTRIES - 1;
const ID_WORDS = ID_BYTES / 4;
/** Of a link: whether the entry is a further place of a blob that an earlier one has. */
const FURTHER = 0x8000_0000;

interface Segment {
  readonly ids: Uint32Array;
  /** As in an IndexTable, but with the caller's mark in the first word. */
  readonly facts: Uint32Array;
  /** The number plus one of the next entry of the same blob, and FURTHER. */
  readonly links: Uint32Array;
}

export interface EntryFacts {
  /** 32 bits that are the caller's: which pack, which type. */
  readonly mark: number;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

export class BlobEntries {
  readonly #segments: Segment[] = [];
  #count = 0;
  /** The id that is looked for or appended. */
  readonly #key = new Uint32Array(ID_WORDS);
  readonly #keyBytes = Buffer.from(this.#key.buffer);

  get count(): number {
    return this.#count;
  }

  loadKey(id: BlobId): void {
    invariant(this.#keyBytes.write(id, 'hex') === ID_BYTES, 'a blob id has 32 bytes');
  }

  /** @param at where the id begins in `ids` */
  loadKeyFrom(ids: Buffer, at: number): void {
    ids.copy(this.#keyBytes, 0, at, at + ID_BYTES);
  }

  hashOfKey(hash: IdHash, one: number, two: number): number {
    return hash(this.#key, 0, one, two);
  }

  hashOf(entry: number, hash: IdHash, one: number, two: number): number {
    return hash(this.#segment(entry).ids, (entry & LOCAL_MASK) * ID_WORDS, one, two);
  }

  hasKey(entry: number): boolean {
    const { ids } = this.#segment(entry);
    const at = (entry & LOCAL_MASK) * ID_WORDS;
    for (let word = 0; word < ID_WORDS; word++) if (ids[at + word] !== this.#key[word]) return false;
    return true;
  }

  /** Adds an entry for the id that is loaded; returns its number. */
  append(mark: number, offset: number, length: number, uncompressedLength: number): number {
    const entry = this.#count;
    invariant(entry < MOST_ENTRIES, 'an index has less than 134 million entries');
    if (entry >> SEGMENT_BITS === this.#segments.length) this.#segments.push(newSegment());
    const { ids, facts } = this.#segment(entry);
    const local = entry & LOCAL_MASK;
    // By hand: for eight words, a call of `set` costs more than the words.
    for (let word = 0; word < ID_WORDS; word++) ids[local * ID_WORDS + word] = this.#key[word] ?? 0;
    const at = local * FACT_WORDS;
    facts[at] = mark;
    facts[at + 1] = offset;
    facts[at + 2] = length;
    facts[at + 3] = uncompressedLength;
    this.#count += 1;
    return entry;
  }

  /** Chains `entry`, the last one that was appended, behind the first entry of its blob. */
  chain(first: number, entry: number): void {
    const { links } = this.#segment(first);
    const local = first & LOCAL_MASK;
    this.#segment(entry).links[entry & LOCAL_MASK] = ((links[local] as number) + FURTHER) >>> 0;
    links[local] = entry + 1;
  }

  /** The next place of the blob, from its first entry on. */
  nextOf(entry: number): number | undefined {
    const link = this.#link(entry) % FURTHER;
    return link === 0 ? undefined : link - 1;
  }

  isFirst(entry: number): boolean {
    return this.#link(entry) < FURTHER;
  }

  markOf(entry: number): number {
    return this.#segment(entry).facts[(entry & LOCAL_MASK) * FACT_WORDS] as number;
  }

  offsetOf(entry: number): number {
    return this.#segment(entry).facts[(entry & LOCAL_MASK) * FACT_WORDS + 1] as number;
  }

  factsOf(entry: number): EntryFacts {
    const { facts } = this.#segment(entry);
    const at = (entry & LOCAL_MASK) * FACT_WORDS;
    const [mark = 0, offset = 0, length = 0, uncompressedLength = 0] = facts.subarray(at, at + FACT_WORDS);
    return { mark, offset, length, uncompressedLength };
  }

  idOf(entry: number): BlobId {
    const { ids } = this.#segment(entry);
    return Buffer.from(ids.buffer, (entry & LOCAL_MASK) * ID_BYTES, ID_BYTES).toString('hex') as BlobId;
  }

  #link(entry: number): number {
    return this.#segment(entry).links[entry & LOCAL_MASK] as number;
  }

  #segment(entry: number): Segment {
    const segment = this.#segments[entry >> SEGMENT_BITS];
    invariant(segment !== undefined, 'every entry of the index lies in a segment');
    return segment;
  }
}

function newSegment(): Segment {
  return {
    ids: new Uint32Array(SEGMENT_ENTRIES * ID_WORDS),
    facts: new Uint32Array(SEGMENT_ENTRIES * FACT_WORDS),
    links: new Uint32Array(SEGMENT_ENTRIES),
  };
}
