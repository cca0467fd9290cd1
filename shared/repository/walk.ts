/** Walking through the tree of a restore point. Folders are read when they are reached; order is that of the trees. */
import { StillpointError } from '../base/errors.ts';
import type { BlobId } from './format/ids.ts';
import type { Node } from './format/node.ts';
import type { Repository, WalkEntry } from './repository.ts';

/** Deeper than any path that a host can have (PATH_MAX is 4096 bytes); ends a loop that a forged tree could make. */
export const MAX_DEPTH = 4096;

/** Depth first, a folder before what is in it. */
export async function* walkTree(
  repository: Pick<Repository, 'loadTree'>,
  tree: BlobId,
  signal: AbortSignal,
  parents: readonly Buffer[] = [],
): AsyncIterable<WalkEntry> {
  if (parents.length > MAX_DEPTH) {
    throw new StillpointError(
      'repository.damaged',
      `Tree ${tree.slice(0, 8)} lies more than ${MAX_DEPTH} folders deep.`,
      {
        advice: 'No host has such a path; the tree is forged or damaged.',
        cause: undefined,
      },
    );
  }
  const { nodes } = await repository.loadTree(tree, signal);
  for (const node of nodes) {
    signal.throwIfAborted();
    const path = [...parents, node.name];
    yield { path, node };
    if (node.subtree !== undefined) yield* walkTree(repository, node.subtree, signal, path);
  }
}

/** The node at a path, or undefined; an empty path has no node of its own. */
export async function findPath(
  repository: Pick<Repository, 'loadTree'>,
  tree: BlobId,
  path: readonly Buffer[],
  signal: AbortSignal,
): Promise<Node | undefined> {
  let current: BlobId | undefined = tree;
  let node: Node | undefined;
  for (const name of path) {
    if (current === undefined) return undefined;
    const { nodes } = await repository.loadTree(current, signal);
    node = nodes.find((candidate) => candidate.name.equals(name));
    current = node?.subtree;
    if (node === undefined) return undefined;
  }
  return node;
}
