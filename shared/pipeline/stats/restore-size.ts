/**
 * What a restore would write. A folder that was counted is not read again, unless it holds a file with several names:
 * whether such a file counts depends on which of its names came before in the same restore point.
 */
import type { BlobId } from '../../repository/format/ids.ts';
import type { Node } from '../../repository/format/node.ts';
import type { OpenedRepository } from '../../repository/opened-repository.ts';
import type { Counter } from './counter.ts';

const FIELDS = 4;

/** Files, folders, others, bytes. */
type Totals = readonly [number, number, number, number];

export function countRestoreSize(repository: OpenedRepository): Counter {
  const sums = { files: 0, folders: 0, others: 0, bytes: 0 };
  const known = new KnownTotals();
  let restorePoints = 0;
  return {
    async add({ tree }, signal) {
      restorePoints += 1;
      const { totals } = await countTree(tree, { repository, known, linked: new Set(), signal });
      sums.files += totals[0];
      sums.folders += totals[1];
      sums.others += totals[2];
      sums.bytes += totals[3];
    },
    result: () => ({ mode: 'restore-size', restorePoints, ...sums }),
  };
}

interface Walk {
  readonly repository: OpenedRepository;
  readonly known: KnownTotals;
  /** Files with several names that were counted in this restore point. */
  readonly linked: Set<string>;
  readonly signal: AbortSignal;
}

async function countTree(id: BlobId, walk: Walk): Promise<{ readonly totals: Totals; readonly hasLinks: boolean }> {
  const { repository, known, signal } = walk;
  const number = repository.index.numberOf('tree', id);
  const before = number === undefined ? undefined : known.find(number);
  if (before !== undefined) return { totals: before, hasLinks: false };
  signal.throwIfAborted();
  let [files, folders, others, bytes] = [0, 0, 0, 0];
  let hasLinks = false;
  for (const node of (await repository.loadTree(id, signal)).nodes) {
    if (node.type === 'file') files += 1;
    else if (node.type === 'dir') folders += 1;
    else others += 1;
    if (node.subtree !== undefined) {
      const inner = await countTree(node.subtree, walk);
      files += inner.totals[0];
      folders += inner.totals[1];
      others += inner.totals[2];
      bytes += inner.totals[3];
      hasLinks ||= inner.hasLinks;
    } else {
      const isLinked = hasSeveralNames(node);
      hasLinks ||= isLinked;
      if (!isLinked || isFirst(node, walk.linked)) bytes += node.size ?? 0;
    }
  }
  const totals: Totals = [files, folders, others, bytes];
  if (!hasLinks && number !== undefined) known.add(number, totals);
  return { totals, hasLinks };
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

  find(number: number): Totals | undefined {
    const row = this.#rows.get(number);
    if (row === undefined) return undefined;
    const [files = 0, folders = 0, others = 0, bytes = 0] = this.#values.subarray(row, row + FIELDS);
    return [files, folders, others, bytes];
  }

  add(number: number, totals: Totals): void {
    const row = this.#rows.size * FIELDS;
    if (row === this.#values.length) {
      const values = new Float64Array(this.#values.length * 2);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values.set(totals, row);
    this.#rows.set(number, row);
  }
}
