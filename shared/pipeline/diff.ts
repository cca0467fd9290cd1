/**
 * The difference between two restore points. Both trees are gone through in step, in the order of their names; folders
 * with equal ids are equal all the way down and are not read. What is held is one folder for each level, and three bits
 * for each blob.
 *
 * The bytes that were added or removed are those of blobs which only one side has. Folders that were not read belong to
 * both sides; with `exact` they are read as well, and only then the figures are more than an upper bound.
 */
import { displayName } from '../base/bytes.ts';
import { isStillpointError, type StillpointError } from '../base/errors.ts';
import { Pauses } from '../base/pauses.ts';
import type { Take } from '../base/take.ts';
import type { DiffChange, DiffSummary } from '../domain/diff.ts';
import type { BlobId } from '../repository/ids.ts';
import type { Node } from '../repository/node.ts';
import type { BlobCatalogue, PointReader } from '../repository/point-reader.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { BlobAccount } from './diff/account.ts';
import { changeOf } from './diff/compare-nodes.ts';
import { NodeCursor } from './node-cursor.ts';
import { OpenedPoint } from './open-point.ts';
import { findShownPath } from './shown-path.ts';

export interface DiffOptions {
  readonly path: string;
  readonly exact: boolean;
  readonly onChange: Take<DiffChange>;
}

/** The index must have been loaded. Errors: `repository.path-not-found` where neither side has the path. */
export async function diffPoints(
  repository: PointReader,
  before: RestorePoint,
  after: RestorePoint,
  options: DiffOptions,
  signal: AbortSignal,
): Promise<DiffSummary> {
  const account = new BlobAccount(repository);
  const sides = { left: new OpenedPoint(repository, before), right: new OpenedPoint(repository, after) };
  const comparer = new Comparer(sides, repository.index, { account, onChange: options.onChange }, signal);
  const path = options.path.replace(/\/+$/, '');
  if (path === '') await comparer.roots(before.tree, after.tree);
  else {
    const left = await nodeAt(sides.left, path, signal);
    const right = await nodeAt(sides.right, path, signal);
    if (left.fault !== undefined && right.fault !== undefined) throw right.fault;
    await comparer.nodes(path, left.node, right.node);
  }
  const blobs = await account.settle(options.exact, signal);
  return {
    before: before.id,
    after: after.id,
    changedFiles: comparer.changedFiles,
    added: { ...comparer.added, ...blobs.added },
    removed: { ...comparer.removed, ...blobs.removed },
    isExact: blobs.isExact,
  };
}

async function nodeAt(
  opened: OpenedPoint,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly node: Node | undefined; readonly fault?: StillpointError }> {
  try {
    return await findShownPath(opened, path, signal);
  } catch (error) {
    if (!isStillpointError(error, 'repository.path-not-found')) throw error;
    return { node: undefined, fault: error };
  }
}

/** One name on both sides, or on one. */
interface Pair {
  readonly path: string;
  readonly left: Node | undefined;
  readonly right: Node | undefined;
}

/** Two folders that are gone through in step; one side may be without. */
interface OpenFolders {
  readonly path: string;
  readonly left: NodeCursor | undefined;
  readonly right: NodeCursor | undefined;
  /** Stands for two folders that differ; nothing where one side is without. */
  readonly key: string | undefined;
  hasChanges: boolean;
}

interface Sides {
  readonly left: OpenedPoint;
  readonly right: OpenedPoint;
}

class Comparer {
  readonly #sides: Sides;
  readonly #index: Pick<BlobCatalogue, 'numberOf'>;
  readonly #account: BlobAccount;
  readonly #onChange: Take<DiffChange>;
  readonly #signal: AbortSignal;
  readonly #pauses: Pauses;
  /** The folders that are open, the innermost last. */
  readonly #open: OpenFolders[] = [];
  /** Folders that differ in nothing that is reported: two of them may be met on very many paths. */
  readonly #quiet = new Set<string>();
  readonly added = { files: 0, folders: 0, others: 0 };
  readonly removed = { files: 0, folders: 0, others: 0 };
  changedFiles = 0;

  constructor(
    sides: Sides,
    index: Pick<BlobCatalogue, 'numberOf'>,
    { account, onChange }: { readonly account: BlobAccount; readonly onChange: Take<DiffChange> },
    signal: AbortSignal,
  ) {
    this.#sides = sides;
    this.#index = index;
    this.#account = account;
    this.#onChange = onChange;
    this.#signal = signal;
    this.#pauses = new Pauses(signal);
  }

  async roots(before: BlobId, after: BlobId): Promise<void> {
    this.#account.addTree('before', before);
    this.#account.addTree('after', after);
    this.#enterBoth('', before, after);
    await this.#run();
  }

  /** One of the nodes is there. */
  async nodes(path: string, left: Node | undefined, right: Node | undefined): Promise<void> {
    await this.#pair({ path, left, right });
    await this.#run();
  }

  /** Not recursive: a deep tree must not exhaust the stack. */
  async #run(): Promise<void> {
    for (let here = this.#open.at(-1); here !== undefined; here = this.#open.at(-1)) {
      await this.#pauses.pause();
      const pair = await nextPair(here);
      if (pair === undefined) this.#leave();
      else await this.#pair(pair);
    }
  }

  #leave(): void {
    const left = this.#open.pop();
    const above = this.#open.at(-1);
    if (left === undefined) return;
    if (above !== undefined) above.hasChanges ||= left.hasChanges;
    if (!left.hasChanges && left.key !== undefined) this.#quiet.add(left.key);
  }

  #enterBoth(path: string, before: BlobId, after: BlobId): void {
    if (before === after) return this.#account.addCommon(before);
    const key = `${this.#shortName(before)}:${this.#shortName(after)}`;
    if (!this.#quiet.has(key)) this.#enter(path, before, after, key);
  }

  #shortName(tree: BlobId): number | string {
    return this.#index.numberOf('tree', tree) ?? tree;
  }

  #enter(path: string, before: BlobId | undefined, after: BlobId | undefined, key?: string): void {
    const cursor = (side: OpenedPoint, tree: BlobId | undefined): NodeCursor | undefined =>
      tree === undefined ? undefined : new NodeCursor(side.entries(tree, () => path || '/', this.#signal));
    const [left, right] = [cursor(this.#sides.left, before), cursor(this.#sides.right, after)];
    this.#open.push({ path, left, right, key, hasChanges: false });
  }

  async #pair({ path, left, right }: Pair): Promise<void> {
    if (left !== undefined && right !== undefined) await this.#both(path, left, right);
    else if (right !== undefined) await this.#side('added', path, right);
    else if (left !== undefined) await this.#side('removed', path, left);
  }

  async #both(path: string, left: Node, right: Node): Promise<void> {
    this.#account.addNode('before', left);
    this.#account.addNode('after', right);
    const change = changeOf(left, right);
    if (change !== undefined) {
      const kindBefore = change === 'type' ? left.type : undefined;
      await this.#tell({ change, path, kind: right.type, kindBefore });
      if (change === 'content' && right.type === 'file') this.changedFiles += 1;
    }
    if (left.subtree !== undefined && right.subtree !== undefined) this.#enterBoth(path, left.subtree, right.subtree);
    // A folder that became something else took with it what was in it.
    else if (left.subtree !== undefined || right.subtree !== undefined) this.#enter(path, left.subtree, right.subtree);
  }

  async #side(change: 'added' | 'removed', path: string, node: Node): Promise<void> {
    await this.#tell({ change, path, kind: node.type, kindBefore: undefined });
    const counts = this[change];
    if (node.type === 'file') counts.files += 1;
    else if (node.type === 'dir') counts.folders += 1;
    else counts.others += 1;
    this.#account.addNode(change === 'added' ? 'after' : 'before', node);
    if (node.subtree === undefined) return;
    this.#enter(path, change === 'removed' ? node.subtree : undefined, change === 'added' ? node.subtree : undefined);
  }

  async #tell(change: DiffChange): Promise<void> {
    const here = this.#open.at(-1);
    if (here !== undefined) here.hasChanges = true;
    await this.#onChange(change);
  }
}

/** The next name of either side, in the order of the names. */
async function nextPair({ path, left: before, right: after }: OpenFolders): Promise<Pair | undefined> {
  const left = await before?.peek();
  const right = await after?.peek();
  const first = left === undefined || (right !== undefined && Buffer.compare(right.name, left.name) < 0) ? right : left;
  if (first === undefined) return undefined;
  const isLeft = left?.name.equals(first.name) === true;
  const isRight = right?.name.equals(first.name) === true;
  if (isLeft) before?.pass();
  if (isRight) after?.pass();
  return { path: below(path, first), left: isLeft ? left : undefined, right: isRight ? right : undefined };
}

function below(path: string, { name }: Node): string {
  return `${path}/${displayName(name)}`;
}
