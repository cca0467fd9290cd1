/**
 * The wanted entries of a restore point in the order in which they are made: a folder before what is in it, and
 * nothing below what is no folder, whatever the repository says. Not recursive: a deep tree must not exhaust the stack.
 */
import { isStillpointError } from '../../base/errors.ts';
import type { BlobId } from '../../repository/format/ids.ts';
import type { Node } from '../../repository/format/node.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Selection } from './selection.ts';

export interface SelectedEntry {
  /** Names joined by "/", without one at the start. */
  readonly path: Buffer;
  readonly node: Node;
}

/** What a walk leaves out, each with the entry that it stands below. */
export interface WalkNotes {
  /** Only folders have children; restic ignores these too. */
  onChildrenOfNoFolder(path: Buffer, node: Node): void;
  /** The folder itself is an entry like any other; what was in it is not known. */
  onLostFolder(path: Buffer, reason: string): void;
}

const SLASH = Buffer.from('/');
const NO_PATH = Buffer.alloc(0);

interface OpenFolder {
  readonly path: Buffer;
  readonly nodes: readonly Node[];
  readonly selection: Selection;
  /** The entry that comes next. */
  next: number;
}

/**
 * Folders on the way to a chosen path come with their own attributes but without their other entries. Names were
 * checked when the tree was decoded: none holds "/", none is "..", and none stands twice in one folder; and children
 * come below folders only. So no entry can lead out of the target or through a link. Fails with `repository.damaged`
 * only where the topmost tree cannot be read.
 */
export async function* walkSelected(
  repository: Pick<Repository, 'loadTree'>,
  tree: BlobId,
  selection: Selection,
  notes: WalkNotes,
  signal: AbortSignal,
): AsyncGenerator<SelectedEntry, void, void> {
  const open: OpenFolder[] = [
    { path: NO_PATH, nodes: (await repository.loadTree(tree, signal)).nodes, selection, next: 0 },
  ];
  for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
    const node = here.nodes[here.next];
    here.next += 1;
    if (node === undefined) {
      open.pop();
      continue;
    }
    const below = here.selection === 'all' ? 'all' : here.selection.get(node.name.toString('latin1'));
    if (below === undefined) continue;
    signal.throwIfAborted();
    const path = here.path.length === 0 ? node.name : Buffer.concat([here.path, SLASH, node.name]);
    yield { path, node };
    if (node.type !== 'dir') {
      if (node.stray?.subtree !== undefined) notes.onChildrenOfNoFolder(path, node);
      continue;
    }
    const nodes = await childrenOf(repository, node, path, notes, signal);
    if (nodes !== undefined) open.push({ path, nodes, selection: below, next: 0 });
  }
}

async function childrenOf(
  repository: Pick<Repository, 'loadTree'>,
  { subtree }: Node,
  path: Buffer,
  notes: WalkNotes,
  signal: AbortSignal,
): Promise<readonly Node[] | undefined> {
  if (subtree === undefined) {
    notes.onLostFolder(path, 'the repository does not name it');
    return undefined;
  }
  try {
    return (await repository.loadTree(subtree, signal)).nodes;
  } catch (error) {
    if (!isStillpointError(error, 'repository.damaged')) throw error;
    notes.onLostFolder(path, error.message);
    return undefined;
  }
}
