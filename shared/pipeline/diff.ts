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
import type { DiffChange, DiffSummary } from '../domain/diff.ts';
import type { BlobId } from '../repository/format/ids.ts';
import type { Node } from '../repository/format/node.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { BlobAccount } from './diff/account.ts';
import { changeOf } from './diff/compare-nodes.ts';
import { findShownPath } from './shown-path.ts';

export interface DiffOptions {
  readonly path: string;
  readonly exact: boolean;
  readonly onChange: (change: DiffChange) => void;
}

/** The index must have been loaded. Errors: `repository.path-not-found` where neither side has the path. */
export async function diffPoints(
  repository: OpenedRepository,
  before: RestorePoint,
  after: RestorePoint,
  options: DiffOptions,
  signal: AbortSignal,
): Promise<DiffSummary> {
  const account = new BlobAccount(repository);
  const comparer = new Comparer(repository, account, options.onChange, signal);
  const path = options.path.replace(/\/+$/, '');
  if (path === '') await comparer.roots(before.tree, after.tree);
  else {
    const left = await nodeAt(repository, before, path, signal);
    const right = await nodeAt(repository, after, path, signal);
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
  repository: OpenedRepository,
  point: RestorePoint,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly node: Node | undefined; readonly fault?: StillpointError }> {
  try {
    return await findShownPath(repository, point.tree, path, signal);
  } catch (error) {
    if (!isStillpointError(error, 'repository.path-not-found')) throw error;
    return { node: undefined, fault: error };
  }
}

class Comparer {
  readonly #repository: OpenedRepository;
  readonly #account: BlobAccount;
  readonly #onChange: (change: DiffChange) => void;
  readonly #signal: AbortSignal;
  readonly added = { files: 0, folders: 0, others: 0 };
  readonly removed = { files: 0, folders: 0, others: 0 };
  changedFiles = 0;

  constructor(
    repository: OpenedRepository,
    account: BlobAccount,
    onChange: (change: DiffChange) => void,
    signal: AbortSignal,
  ) {
    this.#repository = repository;
    this.#account = account;
    this.#onChange = onChange;
    this.#signal = signal;
  }

  async roots(before: BlobId, after: BlobId): Promise<void> {
    this.#account.addTree('before', before);
    this.#account.addTree('after', after);
    await this.#trees('', before, after);
  }

  /** One name on both sides; one of the nodes is there. */
  async nodes(path: string, left: Node | undefined, right: Node | undefined): Promise<void> {
    if (left === undefined) await this.#side('added', path, right);
    else if (right === undefined) await this.#side('removed', path, left);
    else await this.#pair(path, left, right);
  }

  async #trees(path: string, before: BlobId, after: BlobId): Promise<void> {
    if (before === after) return this.#account.addCommon(before);
    const left = await this.#load(before);
    const right = await this.#load(after);
    let at = 0;
    for (const node of left) {
      for (let other = right[at]; other && Buffer.compare(other.name, node.name) < 0; other = right[++at]) {
        await this.nodes(below(path, other), undefined, other);
      }
      const other = right[at];
      const isSame = other?.name.equals(node.name) === true;
      if (isSame) at += 1;
      await this.nodes(below(path, node), node, isSame ? other : undefined);
    }
    for (const other of right.slice(at)) await this.nodes(below(path, other), undefined, other);
  }

  async #pair(path: string, left: Node, right: Node): Promise<void> {
    this.#account.addNode('before', left);
    this.#account.addNode('after', right);
    const change = changeOf(left, right);
    if (change !== undefined) {
      const kindBefore = change === 'type' ? left.type : undefined;
      this.#onChange({ change, path, kind: right.type, kindBefore });
      if (change === 'content' && right.type === 'file') this.changedFiles += 1;
    }
    if (left.subtree !== undefined && right.subtree !== undefined) {
      await this.#trees(path, left.subtree, right.subtree);
    } else {
      // A folder that became something else took with it what was in it.
      if (left.subtree !== undefined) await this.#all('removed', path, left.subtree);
      if (right.subtree !== undefined) await this.#all('added', path, right.subtree);
    }
  }

  async #side(change: 'added' | 'removed', path: string, node: Node | undefined): Promise<void> {
    if (node === undefined) return;
    this.#onChange({ change, path, kind: node.type, kindBefore: undefined });
    const counts = this[change];
    if (node.type === 'file') counts.files += 1;
    else if (node.type === 'dir') counts.folders += 1;
    else counts.others += 1;
    this.#account.addNode(change === 'added' ? 'after' : 'before', node);
    if (node.subtree !== undefined) await this.#all(change, path, node.subtree);
  }

  async #all(change: 'added' | 'removed', path: string, tree: BlobId): Promise<void> {
    for (const node of await this.#load(tree)) await this.#side(change, below(path, node), node);
  }

  async #load(tree: BlobId): Promise<readonly Node[]> {
    this.#signal.throwIfAborted();
    return (await this.#repository.loadTree(tree, this.#signal)).nodes;
  }
}

function below(path: string, { name }: Node): string {
  return `${path}/${displayName(name)}`;
}
