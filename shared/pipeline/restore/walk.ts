/** The wanted entries of a restore point in the order in which they are made: a folder before what is in it. */
import type { BlobId } from '../../repository/format/ids.ts';
import type { Node } from '../../repository/format/node.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Selection } from './selection.ts';

export interface SelectedEntry {
  /** Names joined by "/", without one at the start. */
  readonly path: Buffer;
  readonly node: Node;
}

const SLASH = Buffer.from('/');
const NO_PATH = Buffer.alloc(0);

/**
 * Folders on the way to a chosen path come with their own attributes but without their other entries. Names were
 * checked when the tree was decoded: none holds "/", none is "..", and none stands twice in one folder, so no entry
 * can lead out of the target or through a link.
 */
export async function* walkSelected(
  repository: Pick<Repository, 'loadTree'>,
  tree: BlobId,
  selection: Selection,
  signal: AbortSignal,
  parent: Buffer = NO_PATH,
): AsyncGenerator<SelectedEntry, void, void> {
  const { nodes } = await repository.loadTree(tree, signal);
  for (const node of nodes) {
    const below = selection === 'all' ? 'all' : selection.get(node.name.toString('latin1'));
    if (below === undefined) continue;
    signal.throwIfAborted();
    const path = parent.length === 0 ? node.name : Buffer.concat([parent, SLASH, node.name]);
    yield { path, node };
    if (node.subtree !== undefined) yield* walkSelected(repository, node.subtree, below, signal, path);
  }
}
