/**
 * What a listing says of each folder as a whole: the hash of all its lines, how much is in it, and where it ends in the
 * listing. Folders are numbered in the order of the listing, the tree's root is the first one.
 *
 * Held for each folder are some eighty bytes, outside of the heap; of more than a million folders the last ones are not known.
 */
import { createHash, type Hash } from 'node:crypto';
import { invariant } from '../../base/errors.ts';
import type { ListedEntry } from '../backup/listing.ts';

export const DIGEST_BYTES = 32;
const MOST_FOLDERS = 1_000_000;
const GATHERED_BYTES = 64 * 1024;

export interface ListedFolder {
  /** Of what has to be the same for the folder to be the same, and of the lines of all that is in it. Valid for the moment. */
  readonly digest: Buffer;
  /** The newest ctime or mtime of anything in it, in ns since 1970; what 64 bits do not hold counts as the end of them. */
  readonly newestNs: bigint;
  /** Where in the listing the next entry that is not in it begins. */
  readonly end: number;
  /** Of all that is in it, at any depth; not the folder itself. */
  readonly entries: number;
  readonly folders: number;
  readonly files: number;
  /** Sizes of the files, holes included. */
  readonly bytes: number;
}

type Counted = 'end' | 'entries' | 'folders' | 'files' | 'bytes';
const COUNTED: readonly Counted[] = ['end', 'entries', 'folders', 'files', 'bytes'];

interface OpenFolder extends Record<Exclude<Counted, 'end'>, number> {
  readonly index: number;
  /** Below the tree's root. */
  readonly path: Buffer;
  readonly hash: Hash;
  newestNs: bigint;
}

export class ListedFolders {
  readonly #context: Buffer;
  readonly #digests = new Growing(DIGEST_BYTES);
  readonly #newest = new Growing(8);
  readonly #counts = new Growing(8 * COUNTED.length);
  readonly #open: OpenFolder[] = [];
  readonly #gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);
  #gatheredBytes = 0;
  /** How many began. */
  count = 0;

  /** @param context what else decides how a folder is stored; goes into each hash */
  constructor(context: Buffer) {
    this.#context = context;
  }

  /** @param at where the entry begins in the listing @param line as it came */
  add(entry: ListedEntry, at: number, line: Buffer): void {
    this.#leaveUntilParentOf(entry.path, at);
    const folder = this.#open.at(-1);
    if (folder !== undefined) this.#count(folder, entry, line);
    if (entry.type !== 'dir') return;
    this.#flush();
    const hash = createHash('sha256').update(this.#context);
    const nothing = { entries: 0, folders: 0, files: 0, bytes: 0, newestNs: NEVER };
    this.#open.push({ index: this.count, path: entry.path, hash, ...nothing });
    this.count += 1;
  }

  /** @param end of the listing */
  finish(end: number): void {
    while (this.#open.length > 0) this.#leave(end);
  }

  /** Of a folder that has ended; undefined of one that is too many. */
  of(index: number): ListedFolder | undefined {
    // The records grow in steps, and may have room for more of them, with nothing in it.
    if (index >= MOST_FOLDERS) return undefined;
    const digest = this.#digests.at(index);
    const newest = this.#newest.at(index);
    const counts = this.#counts.at(index);
    if (digest === undefined || newest === undefined || counts === undefined) return undefined;
    const [end = 0, entries = 0, folders = 0, files = 0, bytes = 0] = COUNTED.map((_, at) =>
      counts.readDoubleLE(8 * at),
    );
    return { digest, newestNs: newest.readBigInt64LE(), end, entries, folders, files, bytes };
  }

  #leaveUntilParentOf(path: Buffer, at: number): void {
    if (path.length === 0) return;
    const length = Math.max(0, path.lastIndexOf(SLASH));
    for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
      if (top.path.length === length && path.compare(top.path, 0, length, 0, length) === 0) return;
      invariant(this.#open.length > 1, 'a listing goes depth first');
      this.#leave(at);
    }
  }

  #count(folder: OpenFolder, { type, size, mtimeNs, ctimeNs }: ListedEntry, line: Buffer): void {
    if (this.#gatheredBytes + line.length > GATHERED_BYTES) this.#flush();
    if (line.length > GATHERED_BYTES) folder.hash.update(line);
    else this.#gatheredBytes += line.copy(this.#gathered, this.#gatheredBytes);
    folder.entries += 1;
    if (type === 'dir') folder.folders += 1;
    if (type === 'file') {
      folder.files += 1;
      folder.bytes += size;
    }
    if (mtimeNs > folder.newestNs) folder.newestNs = mtimeNs;
    if (ctimeNs > folder.newestNs) folder.newestNs = ctimeNs;
  }

  /** What was gathered is of the folder that is open. */
  #flush(): void {
    if (this.#gatheredBytes > 0) this.#open.at(-1)?.hash.update(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gatheredBytes = 0;
  }

  #leave(end: number): void {
    this.#flush();
    const folder = this.#open.pop();
    if (folder === undefined) return;
    const digest = folder.hash.digest();
    const counts = Buffer.alloc(8 * COUNTED.length);
    for (const [at, key] of COUNTED.entries()) counts.writeDoubleLE(key === 'end' ? end : folder[key], 8 * at);
    const newest = Buffer.alloc(8);
    newest.writeBigInt64LE(folder.newestNs < LATEST ? folder.newestNs : LATEST);
    if (folder.index < MOST_FOLDERS) {
      this.#digests.set(folder.index, digest);
      this.#newest.set(folder.index, newest);
      this.#counts.set(folder.index, counts);
    }
    const parent = this.#open.at(-1);
    if (parent === undefined) return;
    parent.hash.update(digest);
    parent.entries += folder.entries;
    parent.folders += folder.folders;
    parent.files += folder.files;
    parent.bytes += folder.bytes;
    if (folder.newestNs > parent.newestNs) parent.newestNs = folder.newestNs;
  }
}

/** Records of one size, in one piece of memory; zeros where none was set. */
export class Growing {
  readonly #size: number;
  #data = Buffer.alloc(0);

  constructor(size: number) {
    this.#size = size;
  }

  set(index: number, record: Buffer): void {
    const from = index * this.#size;
    if (from >= this.#data.length) {
      const grown = Buffer.alloc(Math.max(64 * this.#size, 2 * from));
      this.#data.copy(grown);
      this.#data = grown;
    }
    record.copy(this.#data, from, 0, this.#size);
  }

  at(index: number): Buffer | undefined {
    const from = index * this.#size;
    return from < this.#data.length ? this.#data.subarray(from, from + this.#size) : undefined;
  }

  first(count: number): Buffer {
    return this.#data.subarray(0, count * this.#size);
  }
}

const SLASH = 0x2f;
const NEVER = -(2n ** 63n);
/** File systems have times beyond the year 2262, when nanoseconds outgrow 64 bits; some have any that 64 bits of seconds are. */
const LATEST = 2n ** 63n - 1n;
