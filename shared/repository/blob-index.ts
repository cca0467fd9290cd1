/**
 * Where every blob lies, in memory: an open-addressing table over typed arrays, about 60 bytes a blob, because a
 * repository has millions and an object for each would take ten times as much.
 *
 * Entries are appended in segments and never move, so growing copies only the slots. One blob may lie in several packs
 * (two writers at once, or an interrupted prune); all places are kept, so that a damaged one can be passed over.
 * The table is a copy of what the index files say; losing it loses nothing.
 */
import { randomBytes } from 'node:crypto';
import { invariant } from '../base/errors.ts';
import type { BlobId, BlobType, PackId } from './format/ids.ts';
import type { IndexedPack } from './format/index-file.ts';
import { FACT_WORDS, ID_BYTES, type IndexTable } from './format/index-table.ts';
import { type PackedBlob, plaintextLength } from './format/pack.ts';

export interface BlobPlace extends PackedBlob {
  readonly pack: PackId;
}

const SEGMENT_BITS = 15;
const SEGMENT_ENTRIES = 1 << SEGMENT_BITS;
const ID_WORDS = ID_BYTES / 4;
const TREE_BIT = 0x8000_0000;

interface Segment {
  readonly ids: Uint32Array;
  /** As in an IndexTable, but with the pack's number in the first word, and the type in its top bit. */
  readonly facts: Uint32Array;
}

export class BlobIndex {
  #segments: Segment[] = [];
  #entries = 0;
  /** Entry number plus one; 0 is free. */
  #slots = new Uint32Array(1024);
  #packs: PackId[] = [];
  #packNumbers = new Map<PackId, number>();
  /** Runs of entries as pack number, first entry, count; a pack has one, unless index files disagree about it. */
  #runs: [pack: number, first: number, count: number][] = [];
  readonly #key = new Uint32Array(ID_WORDS);
  readonly #keyBytes = Buffer.from(this.#key.buffer);
  /** The content of hosts decides the ids; a secret factor keeps them from all falling into one slot. */
  #factor = randomBytes(4).readUInt32LE() | 1;
  #generation = 0;

  get blobCount(): number {
    return this.#entries;
  }

  get packCount(): number {
    return this.#packs.length;
  }

  /** Adding what is known already changes nothing, so index files may overlap. */
  addPack(pack: IndexedPack): void {
    const isKnown = this.#packNumbers.has(pack.id);
    const number = this.#numberOfPack(pack.id);
    const first = this.#entries;
    for (const { type, id, offset, length, uncompressedLength } of pack.blobs) {
      this.#loadKey(id);
      const fact = type === 'tree' ? number + TREE_BIT : number;
      if (!isKnown || !this.#isKnownAt(fact, offset)) this.#append(fact, offset, length, uncompressedLength);
    }
    this.#endRun(number, first);
  }

  /** As `addPack` for each pack of an index file. */
  addTable({ packs, ends, ids, facts }: IndexTable): void {
    let entry = 0;
    for (const [index, pack] of packs.entries()) {
      const isKnown = this.#packNumbers.has(pack);
      const number = this.#numberOfPack(pack);
      const first = this.#entries;
      for (const end = ends[index] ?? 0; entry < end; entry++) {
        const at = entry * FACT_WORDS;
        const fact = facts[at] === 1 ? number + TREE_BIT : number;
        const offset = facts[at + 1] ?? 0;
        ids.copy(this.#keyBytes, 0, entry * ID_BYTES, (entry + 1) * ID_BYTES);
        if (!isKnown || !this.#isKnownAt(fact, offset)) {
          this.#append(fact, offset, facts[at + 2] ?? 0, facts[at + 3] ?? 0);
        }
      }
      this.#endRun(number, first);
    }
  }

  #numberOfPack(id: PackId): number {
    const known = this.#packNumbers.get(id);
    if (known !== undefined) return known;
    this.#packNumbers.set(id, this.#packs.length);
    return this.#packs.push(id) - 1;
  }

  #endRun(pack: number, first: number): void {
    if (this.#entries > first) this.#runs.push([pack, first, this.#entries - first]);
  }

  /** Ids of all packs. */
  get packIds(): readonly PackId[] {
    return this.#packs;
  }

  /** Becomes what `other` is, at once: nobody sees a half-read index. `other` must not be used afterwards. */
  become(other: BlobIndex): void {
    this.#segments = other.#segments;
    this.#entries = other.#entries;
    this.#slots = other.#slots;
    this.#packs = other.#packs;
    this.#packNumbers = other.#packNumbers;
    this.#runs = other.#runs;
    this.#factor = other.#factor;
    this.#generation += 1;
  }

  hasPack(id: PackId): boolean {
    return this.#packNumbers.has(id);
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.#search(type, id, () => true) !== undefined;
  }

  find(type: BlobType, id: BlobId): BlobPlace | undefined {
    const entry = this.#search(type, id, () => true);
    return entry === undefined ? undefined : this.#place(entry);
  }

  /** A number below `blobCount` that stands for the blob, for sets of bits; undefined where it is not known. */
  numberOf(type: BlobType, id: BlobId): number | undefined {
    return this.#search(type, id, () => true);
  }

  /** What lies at a number that `numberOf` gave. */
  placeAt(number: number): BlobPlace {
    return this.#place(number);
  }

  /** Rises when the index begins anew; numbers of blobs are good within one generation. */
  get generation(): number {
    return this.#generation;
  }

  /** Plaintext bytes of the blob; undefined where it is not known. */
  plainLength(type: BlobType, id: BlobId): number | undefined {
    const entry = this.#search(type, id, () => true);
    if (entry === undefined) return undefined;
    const { facts } = this.#segment(entry);
    const at = (entry & (SEGMENT_ENTRIES - 1)) * FACT_WORDS;
    return plaintextLength({ length: facts[at + 2] ?? 0, uncompressedLength: facts[at + 3] ?? 0 });
  }

  /** Places beyond the first of each blob, and the room that they take. */
  countDuplicates(): { readonly blobs: number; readonly bytes: number } {
    let blobs = 0;
    let bytes = 0;
    for (let entry = 0; entry < this.#entries; entry++) {
      const { ids, facts } = this.#segment(entry);
      const local = entry & (SEGMENT_ENTRIES - 1);
      this.#key.set(ids.subarray(local * ID_WORDS, (local + 1) * ID_WORDS));
      const isTree = (facts[local * FACT_WORDS] ?? 0) >= TREE_BIT;
      if (this.#searchKey(isTree, () => true) === entry) continue;
      blobs += 1;
      bytes += facts[local * FACT_WORDS + 2] ?? 0;
    }
    return { blobs, bytes };
  }

  /** Every place of the blob. */
  findAll(type: BlobType, id: BlobId): BlobPlace[] {
    const places: BlobPlace[] = [];
    this.#search(type, id, (entry) => {
      places.push(this.#place(entry));
      return false;
    });
    return places;
  }

  /** Every pack with its blobs in the order in which they lie there. */
  *packs(): Generator<IndexedPack> {
    const more = new Map<number, BlobPlace[]>();
    const seen = new Set<number>();
    for (const [number, first, count] of this.#runs) {
      if (seen.has(number)) more.set(number, [...(more.get(number) ?? []), ...this.#run(first, count)]);
      seen.add(number);
    }
    seen.clear();
    for (const [number, first, count] of this.#runs) {
      if (seen.has(number)) continue;
      seen.add(number);
      const blobs = [...this.#run(first, count), ...(more.get(number) ?? [])];
      yield { id: this.#packs[number] as PackId, blobs: blobs.toSorted((left, right) => left.offset - right.offset) };
    }
  }

  #run(first: number, count: number): BlobPlace[] {
    return Array.from({ length: count }, (_, index) => this.#place(first + index));
  }

  /** Whether the blob of the loaded key is known at this place. */
  #isKnownAt(fact: number, offset: number): boolean {
    const same = (entry: number): boolean => {
      const { facts } = this.#segment(entry);
      const at = (entry & (SEGMENT_ENTRIES - 1)) * FACT_WORDS;
      return facts[at] === fact && facts[at + 1] === offset;
    };
    return this.#searchKey(fact >= TREE_BIT, same) !== undefined;
  }

  /** Adds the blob of the loaded key. */
  #append(fact: number, offset: number, length: number, uncompressedLength: number): void {
    const entry = this.#entries;
    if (entry >> SEGMENT_BITS === this.#segments.length) {
      this.#segments.push({
        ids: new Uint32Array(SEGMENT_ENTRIES * ID_WORDS),
        facts: new Uint32Array(SEGMENT_ENTRIES * FACT_WORDS),
      });
    }
    const { ids, facts } = this.#segment(entry);
    const local = entry & (SEGMENT_ENTRIES - 1);
    // By hand: for eight words, a call of `set` costs more than the words.
    for (let word = 0; word < ID_WORDS; word++) ids[local * ID_WORDS + word] = this.#key[word] ?? 0;
    const at = local * FACT_WORDS;
    facts[at] = fact;
    facts[at + 1] = offset;
    facts[at + 2] = length;
    facts[at + 3] = uncompressedLength;
    this.#entries += 1;
    if (this.#entries > this.#slots.length * 0.7) this.#grow();
    else this.#occupy(entry, this.#hash(this.#key, 0));
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let entry = 0; entry < this.#entries; entry++) {
      this.#occupy(entry, this.#hash(this.#segment(entry).ids, (entry & (SEGMENT_ENTRIES - 1)) * ID_WORDS));
    }
  }

  #occupy(entry: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  /** The first entry of this blob that `accept` takes. */
  #search(type: BlobType, id: BlobId, accept: (entry: number) => boolean): number | undefined {
    this.#loadKey(id);
    return this.#searchKey(type === 'tree', accept);
  }

  #searchKey(tree: boolean, accept: (entry: number) => boolean): number | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash(this.#key, 0) & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return undefined;
      if (this.#matches(entry, tree) && accept(entry)) return entry;
    }
  }

  #matches(entry: number, tree: boolean): boolean {
    const { ids, facts } = this.#segment(entry);
    const local = entry & (SEGMENT_ENTRIES - 1);
    const at = local * ID_WORDS;
    for (let word = 0; word < ID_WORDS; word++) {
      if (ids[at + word] !== this.#key[word]) return false;
    }
    return (facts[local * FACT_WORDS] ?? 0) >= TREE_BIT === tree;
  }

  #place(entry: number): BlobPlace {
    const { ids, facts } = this.#segment(entry);
    const local = entry & (SEGMENT_ENTRIES - 1);
    const fact = facts[local * FACT_WORDS] ?? 0;
    const tree = fact >= TREE_BIT;
    return {
      type: tree ? 'tree' : 'data',
      id: Buffer.from(ids.buffer, local * ID_BYTES, ID_BYTES).toString('hex') as BlobId,
      pack: this.#packs[tree ? fact - TREE_BIT : fact] as PackId,
      offset: facts[local * FACT_WORDS + 1] ?? 0,
      length: facts[local * FACT_WORDS + 2] ?? 0,
      uncompressedLength: facts[local * FACT_WORDS + 3] ?? 0,
    };
  }

  #segment(entry: number): Segment {
    const segment = this.#segments[entry >> SEGMENT_BITS];
    invariant(segment !== undefined, 'every entry of the index lies in a segment');
    return segment;
  }

  #loadKey(id: BlobId): void {
    invariant(this.#keyBytes.write(id, 'hex') === ID_BYTES, 'a blob id has 32 bytes');
  }

  #hash(words: Uint32Array, at: number): number {
    return (Math.imul(words[at] ?? 0, this.#factor) ^ (words[at + 1] ?? 0)) >>> 0;
  }
}
