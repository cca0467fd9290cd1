/** Finding a node of a restore point by its path. One folder is read for each name, in parts. */
import type { BlobId } from '../ids.ts';
import type { Node } from '../node.ts';
import type { Repository } from '../repository.ts';

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
