/**
 * Folders of which every entry was stored as it was listed, by the hash of that listing. Where a later listing has the same hash,
 * and the parent restore point the same tree in its place, comparing them entry by entry would find nothing, and is left out: of
 * most trees nearly all is as it was.
 *
 * Invariants. What is remembered is of one restore point, and believed only where that is the parent. It is believed only while
 * every index file of then is still there, so that no blob has left the repository since. A folder with anything in it that was
 * left out, could not be read, came otherwise than it was listed, or is the place of another tree is not remembered, because
 * something is said of it, or done for it, in each run. After a week all is compared again: a tree that was damaged in
 * the store is found by reading it, and by nothing else.
 *
 * Crash story. The file is replaced when the restore point is saved, or not at all: then it is of another restore point, and the next
 * run compares everything. It is sealed by the repository's key; one that was changed, cut or is of another version is none.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { type BlobId, isId } from '../../repository/ids.ts';
import type { Vault } from '../../repository/repository.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import type { NodeContext } from '../backup/node.ts';
import { FolderRecords, FolderTable } from './folder-table.ts';
import { DIGEST_BYTES, Growing, type ListedFolder, type ListedFolders } from './listed-folders.ts';

const FORMAT = 'stillpoint-folders-1';
const BELIEVED_MS = 7 * 86_400_000;

/** What decides, beside its lines, how a folder is stored. */
export function contextDigest({ users, groups, deviceId }: NodeContext): Buffer {
  const facts = [FORMAT, [...users], [...groups], `${deviceId}`];
  return createHash('sha256').update(JSON.stringify(facts)).digest();
}

/** The side of a repository. */
export interface Remembering {
  readonly vault: Vault;
  /** The names of all that are stored and were read. */
  indexFiles(): readonly string[];
}

interface Header {
  readonly format: string;
  readonly restorePoint: string;
  /** When all was compared last; ms since 1970. */
  readonly comparedAt: number;
  readonly indexFiles: readonly string[];
}

export class RememberedFolders {
  readonly #file: string;
  readonly #ports: Remembering;
  readonly #known: FolderTable;
  readonly #comparedAt: number;
  readonly #trees: RememberedTree[] = [];

  private constructor(file: string, ports: Remembering, known: Known) {
    this.#file = file;
    this.#ports = ports;
    this.#known = known.table;
    this.#comparedAt = known.comparedAt;
  }

  /** @param parent undefined where it is not to be compared with */
  static async open(
    file: string,
    ports: Remembering,
    clock: Clock,
    parent: RestorePoint | undefined,
  ): Promise<RememberedFolders> {
    const nowMs = clock.now().getTime();
    const sealed = parent === undefined ? undefined : await readFile(file).catch(() => undefined);
    const known = sealed === undefined ? undefined : readKnown(ports.vault.open(sealed));
    const nothing = { table: new FolderTable(Buffer.alloc(0)), comparedAt: nowMs };
    if (known === undefined || !isBelieved(known.header, { parent, nowMs, indexFiles: ports.indexFiles() }))
      return new RememberedFolders(file, ports, nothing);
    const { header, records } = known;
    return new RememberedFolders(file, ports, { table: new FolderTable(records), comparedAt: header.comparedAt });
  }

  tree(folders: ListedFolders): RememberedTree {
    const tree = new RememberedTree(folders, this.#known);
    this.#trees.push(tree);
    return tree;
  }

  /**
   * Never fails: where nothing can be kept, the next run compares everything.
   *
   * @param restorePoint that has the trees, and is saved
   */
  async save(restorePoint: string): Promise<void> {
    const records = new FolderRecords();
    for (const tree of this.#trees) for (const [digest, id] of tree.remembered()) records.add(digest, id);
    const header: Header = {
      ...{ format: FORMAT, restorePoint, comparedAt: this.#comparedAt },
      indexFiles: this.#ports.indexFiles(),
    };
    const text = Buffer.from(`${JSON.stringify(header)}\n`);
    const fresh = `${this.#file}.${restorePoint.slice(0, 8)}`;
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      const sealed = this.#ports.vault.seal(Buffer.concat([text, records.finish()]));
      await writeFile(fresh, sealed, { mode: 0o600 });
      await rename(fresh, this.#file);
    } catch {
      await rm(fresh, { force: true }).catch(() => undefined);
    }
  }
}

interface Known {
  readonly table: FolderTable;
  readonly comparedAt: number;
}

interface Present {
  readonly parent: RestorePoint | undefined;
  readonly nowMs: number;
  readonly indexFiles: readonly string[];
}

function isBelieved(header: Header, { parent, nowMs, indexFiles }: Present): boolean {
  const there = new Set(indexFiles);
  return (
    header.restorePoint === parent?.id &&
    header.indexFiles.every((name) => there.has(name)) &&
    nowMs >= header.comparedAt &&
    nowMs < header.comparedAt + BELIEVED_MS
  );
}

function readKnown(plain: Buffer | undefined): { readonly header: Header; readonly records: Buffer } | undefined {
  const end = plain?.indexOf(0x0a) ?? -1;
  if (plain === undefined || end < 0) return undefined;
  const header = JSON.parse(plain.toString('utf8', 0, end)) as Partial<Header>;
  const records = plain.subarray(end + 1);
  // It is ours, because it was sealed; it may be of another version.
  return header.format === FORMAT && records.length % (2 * DIGEST_BYTES) === 0
    ? { header: header as Header, records }
    : undefined;
}

/** Of one tree of a run. */
export class RememberedTree {
  readonly #folders: ListedFolders;
  readonly #known: FolderTable;
  #stored = new Growing(DIGEST_BYTES);

  constructor(folders: ListedFolders, known: FolderTable) {
    this.#folders = folders;
    this.#known = known;
  }

  /** @param index in the order of the listing; undefined where it is not known as being stored as this tree */
  find(index: number, tree: BlobId): ListedFolder | undefined {
    const folder = this.#folders.of(index);
    return folder !== undefined && this.#known.find(folder.digest) === tree ? folder : undefined;
  }

  /** All in the folder is stored as it was listed. */
  remember(index: number, tree: BlobId): void {
    this.#stored.set(index, Buffer.from(tree, 'hex'));
  }

  /** What was stored in this pass is not all that will be. */
  forget(): void {
    this.#stored = new Growing(DIGEST_BYTES);
  }

  /** What was stored now, and what was known and is still there. */
  *remembered(): Generator<[Buffer, BlobId]> {
    for (let index = 0; index < this.#folders.count; index += 1) {
      const folder = this.#folders.of(index);
      if (folder === undefined) return;
      const stored = this.#stored.at(index)?.toString('hex') ?? '';
      const tree = isId(stored) && !NONE.test(stored) ? (stored as BlobId) : this.#known.find(folder.digest);
      if (tree !== undefined) yield [folder.digest, tree];
    }
  }
}

const NONE = /^0+$/;
