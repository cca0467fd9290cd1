/**
 * Where every blob lies, in memory: typed arrays of about 65 bytes a blob, because a repository has millions and an
 * object for each would take ten times as much.
 *
 * One blob may lie in several packs (two writers at once, or an interrupted prune); all places are kept, so that a
 * damaged one can be passed over. The index is a copy of what the index files say; losing it loses nothing.
 *
 * What they say may be nonsense, or made to cost time: the work is linear in the number of entries whatever their ids
 * and places are. Packs in which entries overlap are known by it (`isDoubtful`), so that whoever reads asks the pack
 * itself and does not read the same bytes once for each entry.
 */

import type { IndexedPack } from '../format/index-file.ts';
import { FACT_WORDS, ID_BYTES, type IndexTable } from '../format/index-table.ts';
import { type PackedBlob, plaintextLength } from '../format/pack.ts';
import type { BlobId, BlobType, PackId } from '../ids.ts';
import type { BlobCatalogue, BlobSize } from '../point-reader.ts';
import { BlobEntries } from './blob-entries.ts';
import { EntrySlots } from './entry-slots.ts';

export interface BlobPlace extends PackedBlob {
  readonly pack: PackId;
}

/** The mark of an entry is the number of its pack, and this for a tree. */
const TREE_BIT = 0x8000_0000;

/** Entries of one pack that follow each other. */
interface Run {
  readonly pack: number;
  readonly first: number;
  readonly count: number;
}

export class BlobIndex implements BlobCatalogue {
  #entries = new BlobEntries();
  /** The first entry of each blob. */
  #blobs = this.#slotsOfBlobs();
  /** All entries by their places; made when a pack is met for the second time, since before that all are new. */
  #places: EntrySlots | undefined;
  #packs: PackId[] = [];
  #packNumbers = new Map<PackId, number>();
  /** A pack has one, unless index files disagree about it. */
  #runs: Run[] = [];
  #doubtful = new Set<PackId>();
  #generation = 0;
  #isWantedTree = false;
  #wantedMark = 0;
  #wantedOffset = 0;

  get blobCount(): number {
    return this.#entries.count;
  }

  get packCount(): number {
    return this.#packs.length;
  }

  /** Ids of all packs. */
  get packIds(): readonly PackId[] {
    return this.#packs;
  }

  /** Rises when the index begins anew; numbers of blobs are good within one generation. */
  get generation(): number {
    return this.#generation;
  }

  /** Adding what is known already changes nothing, so index files may overlap. */
  addPack(pack: IndexedPack): void {
    const run = this.#beginRun(pack.id);
    for (const { type, id, offset, length, uncompressedLength } of pack.blobs) {
      this.#entries.loadKey(id);
      this.#add(run, type === 'tree', offset, length, uncompressedLength);
    }
    this.#endRun(run);
  }

  /** As `addPack` for each pack of an index file. */
  addTable({ packs, ends, ids, facts }: IndexTable): void {
    let entry = 0;
    for (const [index, pack] of packs.entries()) {
      const run = this.#beginRun(pack);
      for (const end = ends[index] ?? 0; entry < end; entry++) {
        const at = entry * FACT_WORDS;
        this.#entries.loadKeyFrom(ids, entry * ID_BYTES);
        this.#add(run, facts[at] === 1, facts[at + 1] ?? 0, facts[at + 2] ?? 0, facts[at + 3] ?? 0);
      }
      this.#endRun(run);
    }
  }

  #beginRun(id: PackId): OpenRun {
    const known = this.#packNumbers.get(id);
    const run = { first: this.#entries.count, bytes: 0, end: 0 };
    if (known !== undefined) {
      this.#places ??= this.#slotsOfPlaces();
      return { ...run, pack: known, isKnown: true };
    }
    this.#packNumbers.set(id, this.#packs.length);
    return { ...run, pack: this.#packs.push(id) - 1, isKnown: false };
  }

  /** Adds the blob whose id is loaded. */
  #add(run: OpenRun, isTree: boolean, offset: number, length: number, uncompressedLength: number): void {
    this.#isWantedTree = isTree;
    const mark = isTree ? run.pack + TREE_BIT : run.pack;
    if (run.isKnown && this.#isKnownAt(mark, offset)) return;
    run.bytes += length;
    run.end = Math.max(run.end, offset + length);
    const first = this.#firstOfKey();
    const entry = this.#entries.append(mark, offset, length, uncompressedLength);
    if (first === undefined) this.#blobs.add(entry);
    else this.#entries.chain(first, entry);
    this.#places?.add(entry);
  }

  /** Entries that together are longer than they reach must overlap. */
  #endRun({ pack, first, bytes, end, isKnown }: OpenRun): void {
    const count = this.#entries.count - first;
    if (count === 0) return;
    this.#runs.push({ pack, first, count });
    if (isKnown || bytes > end) this.#doubtful.add(this.#packs[pack] as PackId);
  }

  /** Becomes what `other` is, at once: a half-read index is never seen. `other` must not be used afterwards. */
  become(other: BlobIndex): void {
    this.#entries = other.#entries;
    this.#blobs = other.#blobs;
    this.#places = other.#places;
    this.#packs = other.#packs;
    this.#packNumbers = other.#packNumbers;
    this.#runs = other.#runs;
    this.#doubtful = other.#doubtful;
    this.#generation += 1;
  }

  hasPack(id: PackId): boolean {
    return this.#packNumbers.has(id);
  }

  /** Whether the entries of the pack overlap, or index files say different things of it. */
  isDoubtful(id: PackId): boolean {
    return this.#doubtful.has(id);
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.numberOf(type, id) !== undefined;
  }

  find(type: BlobType, id: BlobId): BlobPlace | undefined {
    const entry = this.numberOf(type, id);
    return entry === undefined ? undefined : this.placeAt(entry);
  }

  /** A number below `blobCount` that stands for the blob, for sets of bits; undefined where it is not known. */
  numberOf(type: BlobType, id: BlobId): number | undefined {
    this.#entries.loadKey(id);
    this.#isWantedTree = type === 'tree';
    return this.#firstOfKey();
  }

  /** What lies at a number that `numberOf` gave. */
  placeAt(number: number): BlobPlace {
    const { mark, ...facts } = this.#entries.factsOf(number);
    const isTree = mark >= TREE_BIT;
    const pack = this.#packs[isTree ? mark - TREE_BIT : mark] as PackId;
    return { type: isTree ? 'tree' : 'data', id: this.#entries.idOf(number), pack, ...facts };
  }

  storedOrder(type: BlobType, id: BlobId): number | undefined {
    const entry = this.numberOf(type, id);
    if (entry === undefined) return undefined;
    const { mark, offset } = this.#entries.factsOf(entry);
    return (mark >= TREE_BIT ? mark - TREE_BIT : mark) * 2 ** 32 + offset;
  }

  sizeAt(number: number): BlobSize {
    const { mark, ...facts } = this.#entries.factsOf(number);
    return { type: mark >= TREE_BIT ? 'tree' : 'data', bytes: plaintextLength(facts), storedBytes: facts.length };
  }

  /** Plaintext bytes of the blob; undefined where it is not known. */
  plainLength(type: BlobType, id: BlobId): number | undefined {
    const entry = this.numberOf(type, id);
    return entry === undefined ? undefined : plaintextLength(this.#entries.factsOf(entry));
  }

  /** Every place of the blob. */
  findAll(type: BlobType, id: BlobId): BlobPlace[] {
    const places: BlobPlace[] = [];
    for (let entry = this.numberOf(type, id); entry !== undefined; entry = this.#entries.nextOf(entry)) {
      places.push(this.placeAt(entry));
    }
    return places;
  }

  /** Places beyond the first of each blob, and the room that they take. */
  countDuplicates(): { readonly blobs: number; readonly bytes: number } {
    const blobs = this.#entries.count - this.#blobs.count;
    let bytes = 0;
    if (blobs === 0) return { blobs, bytes };
    for (let entry = 0; entry < this.#entries.count; entry++) {
      if (!this.#entries.isFirst(entry)) bytes += this.#entries.factsOf(entry).length;
    }
    return { blobs, bytes };
  }

  /** Every pack with its blobs in the order in which they lie there. */
  *packs(): Generator<IndexedPack> {
    const runs = Map.groupBy(this.#runs, ({ pack }) => pack);
    for (const [number, of] of runs) {
      const blobs = of.flatMap(({ first, count }) =>
        Array.from({ length: count }, (_, index) => this.placeAt(first + index)),
      );
      blobs.sort((left, right) => left.offset - right.offset);
      yield { id: this.#packs[number] as PackId, blobs };
    }
  }

  #firstOfKey(): number | undefined {
    const hash = this.#entries.hashOfKey(this.#blobs.hash, this.#isWantedTree ? 1 : 0, 0);
    return this.#blobs.find(hash, this.#isWanted);
  }

  #isKnownAt(mark: number, offset: number): boolean {
    const places = this.#places as EntrySlots;
    this.#wantedMark = mark;
    this.#wantedOffset = offset;
    return places.find(this.#entries.hashOfKey(places.hash, mark, offset), this.#isWantedPlace) !== undefined;
  }

  readonly #isWanted = (entry: number): boolean =>
    this.#entries.hasKey(entry) && this.#entries.markOf(entry) >= TREE_BIT === this.#isWantedTree;

  readonly #isWantedPlace = (entry: number): boolean =>
    this.#entries.markOf(entry) === this.#wantedMark &&
    this.#entries.offsetOf(entry) === this.#wantedOffset &&
    this.#entries.hasKey(entry);

  #slotsOfBlobs(): EntrySlots {
    const entries = this.#entries;
    return new EntrySlots(
      (entry, hash) => entries.hashOf(entry, hash, entries.markOf(entry) >= TREE_BIT ? 1 : 0, 0),
      (place) => {
        for (let entry = 0; entry < entries.count; entry++) if (entries.isFirst(entry)) place(entry);
      },
      false,
    );
  }

  #slotsOfPlaces(): EntrySlots {
    const entries = this.#entries;
    const slots = new EntrySlots(
      (entry, hash) => entries.hashOf(entry, hash, entries.markOf(entry), entries.offsetOf(entry)),
      (place) => {
        for (let entry = 0; entry < entries.count; entry++) place(entry);
      },
      true,
    );
    slots.addAll(entries.count);
    return slots;
  }
}

interface OpenRun extends Omit<Run, 'count'> {
  /** Whether the pack was named before, so that its entries may be known. */
  readonly isKnown: boolean;
  /** Of all its entries together. */
  bytes: number;
  /** Where the last of them ends. */
  end: number;
}
