/** The whole tree of a restore point, entry by entry. Each folder is read whole, when it is reached. */
import type { BlobId } from '../../shared/repository/ids.ts';
import type { Node } from '../../shared/repository/node.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';

/** Where a walk is: names from the root of the tree, and what is there. */
interface WalkEntry {
  readonly path: readonly Buffer[];
  readonly node: Node;
}

/** Depth first, a folder before what is in it. Not recursive: a deep tree must not exhaust the stack. */
export async function* walkTree(
  repository: Pick<OpenedRepository, 'loadTree'>,
  tree: BlobId,
  signal: AbortSignal,
  parents: readonly Buffer[] = [],
): AsyncIterable<WalkEntry> {
  const open = async (id: BlobId, path: readonly Buffer[]): Promise<OpenFolder> => ({
    path,
    nodes: (await repository.loadTree(id, signal)).nodes,
    next: 0,
  });
  const folders = [await open(tree, parents)];
  for (let folder = folders.at(-1); folder !== undefined; folder = folders.at(-1)) {
    const node = folder.nodes[folder.next];
    folder.next += 1;
    if (node === undefined) {
      folders.pop();
      continue;
    }
    signal.throwIfAborted();
    const path = [...folder.path, node.name];
    yield { path, node };
    if (node.subtree !== undefined) folders.push(await open(node.subtree, path));
  }
}

interface OpenFolder {
  readonly path: readonly Buffer[];
  readonly nodes: readonly Node[];
  /** The entry that comes next. */
  next: number;
}
