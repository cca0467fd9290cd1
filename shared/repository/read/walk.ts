/** Walking through the tree of a restore point. Folders are read when they are reached; order is that of the trees. */
import type { BlobId } from '../format/ids.ts';
import type { Node } from '../format/node.ts';
import type { Repository, WalkEntry } from '../repository.ts';

/** Depth first, a folder before what is in it. Not recursive: a deep tree must not exhaust the stack. */
export async function* walkTree(
  repository: Pick<Repository, 'loadTree'>,
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

/** The node at a path, or undefined; an empty path has no node of its own. */
export async function findPath(
  repository: Pick<Repository, 'treeParts'>,
  tree: BlobId,
  path: readonly Buffer[],
  signal: AbortSignal,
): Promise<Node | undefined> {
  let current: BlobId | undefined = tree;
  let node: Node | undefined;
  for (const name of path) {
    if (current === undefined) return undefined;
    node = await findNode(repository, current, name, signal);
    current = node?.subtree;
    if (node === undefined) return undefined;
  }
  return node;
}

async function findNode(
  repository: Pick<Repository, 'treeParts'>,
  tree: BlobId,
  name: Buffer,
  signal: AbortSignal,
): Promise<Node | undefined> {
  for await (const nodes of repository.treeParts(tree, signal)) {
    const node = nodes.find((candidate) => candidate.name.equals(name));
    if (node !== undefined) return node;
  }
  return undefined;
}
