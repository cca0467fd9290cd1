/**
 * What a restore would write. A folder that was counted is not read again, unless there is a file with several names in
 * or below it: such a file counts once in each restore point, so its folder is gone through once in each.
 */
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import type { Counter } from './counter.ts';

/** The totals, and whether there are files with several names. */
const FIELDS = 5;

/** Files, folders, others, bytes. */
type Totals = readonly [number, number, number, number];

export function countRestoreSize(repository: PointReader): Counter {
  const sums = { files: 0, folders: 0, others: 0, bytes: 0 };
  const known = new KnownTotals();
  let restorePoints = 0;
  return {
    async add({ tree }, signal) {
      restorePoints += 1;
      const walk = new PointWalk(repository, known, signal);
      const totals = await walk.count(tree);
      sums.files = added(sums.files, totals[0]);
      sums.folders = added(sums.folders, totals[1]);
      sums.others = added(sums.others, totals[2]);
      sums.bytes = added(sums.bytes, totals[3] + walk.linkedBytes);
    },
    result: () => ({ mode: 'restore-size', restorePoints, ...sums }),
  };
}

/** One folder may be in more places than there are numbers. */
function added(left: number, right: number): number {
  return Math.min(left + right, Number.MAX_SAFE_INTEGER);
}

/** A folder that was read, and whose folders are being counted. */
interface OpenFolder {
  readonly number: number;
  readonly folders: readonly BlobId[];
  next: number;
  totals: Totals;
  hasLinks: boolean;
}

/** Counts one restore point. Not recursive: a deep tree must not exhaust the stack. */
class PointWalk {
  readonly #repository: PointReader;
  readonly #known: KnownTotals;
  readonly #signal: AbortSignal;
  /** Files with several names that were counted in this restore point. */
  readonly #linked = new Set<string>();
  /** Folders that were gone through in this restore point. */
  readonly #passed = new Set<number>();
  /** Of files with several names; not in the totals of their folders. */
  linkedBytes = 0;

  constructor(repository: PointReader, known: KnownTotals, signal: AbortSignal) {
    this.#repository = repository;
    this.#known = known;
    this.#signal = signal;
  }

  async count(top: BlobId): Promise<Totals> {
    const before = this.#before(top);
    if (before !== undefined) return before.totals;
    const open: OpenFolder[] = [await this.#read(top)];
    for (;;) {
      this.#signal.throwIfAborted();
      const here = open.at(-1) as OpenFolder;
      const id = here.folders[here.next];
      here.next += 1;
      const known = id === undefined ? undefined : this.#before(id);
      if (known !== undefined) include(here, known.totals, known.hasLinks);
      else if (id !== undefined) open.push(await this.#read(id));
      else {
        open.pop();
        this.#known.add(here.number, here.totals, here.hasLinks);
        this.#passed.add(here.number);
        const above = open.at(-1);
        if (above === undefined) return here.totals;
        include(above, here.totals, here.hasLinks);
      }
    }
  }

  /** What is known of a folder that need not be gone through. */
  #before(id: BlobId): { readonly totals: Totals; readonly hasLinks: boolean } | undefined {
    const number = this.#repository.index.numberOf('tree', id) ?? -1;
    const known = this.#known.find(number);
    return known?.hasLinks === true && !this.#passed.has(number) ? undefined : known;
  }

  async #read(id: BlobId): Promise<OpenFolder> {
    const folders: BlobId[] = [];
    let [files, dirs, others, bytes] = [0, 0, 0, 0];
    let hasLinks = false;
    for await (const nodes of this.#repository.treeParts(id, this.#signal)) {
      for (const node of nodes) {
        if (node.type === 'file') files += 1;
        else if (node.type === 'dir') dirs += 1;
        else others += 1;
        if (node.subtree !== undefined) folders.push(node.subtree);
        else if (!hasSeveralNames(node)) bytes = added(bytes, node.size ?? 0);
        else {
          hasLinks = true;
          if (isFirst(node, this.#linked)) this.linkedBytes = added(this.linkedBytes, node.size ?? 0);
        }
      }
    }
    const number = this.#repository.index.numberOf('tree', id) ?? -1;
    return { number, folders, next: 0, totals: [files, dirs, others, bytes], hasLinks };
  }
}

function include(folder: OpenFolder, totals: Totals, hasLinks: boolean): void {
  const [files, folders, others, bytes] = folder.totals;
  folder.totals = [
    added(files, totals[0]),
    added(folders, totals[1]),
    added(others, totals[2]),
    added(bytes, totals[3]),
  ];
  folder.hasLinks ||= hasLinks;
}

function hasSeveralNames({ links = 1, inode = 0n }: Node): boolean {
  return links > 1 && inode !== 0n;
}

function isFirst({ deviceId = 0n, inode = 0n }: Node, linked: Set<string>): boolean {
  const key = `${deviceId}:${inode}`;
  if (linked.has(key)) return false;
  linked.add(key);
  return true;
}

/** Totals of folders by their number in the index, in one piece of memory. */
class KnownTotals {
  readonly #rows = new Map<number, number>();
  #values = new Float64Array(1024 * FIELDS);

  find(number: number): { readonly totals: Totals; readonly hasLinks: boolean } | undefined {
    const row = this.#rows.get(number);
    if (row === undefined) return undefined;
    const [files = 0, folders = 0, others = 0, bytes = 0, links = 0] = this.#values.subarray(row, row + FIELDS);
    return { totals: [files, folders, others, bytes], hasLinks: links !== 0 };
  }

  add(number: number, totals: Totals, hasLinks: boolean): void {
    const row = this.#rows.get(number) ?? this.#rows.size * FIELDS;
    if (row === this.#values.length) {
      const values = new Float64Array(this.#values.length * 2);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values.set([...totals, hasLinks ? 1 : 0], row);
    this.#rows.set(number, row);
  }
}
