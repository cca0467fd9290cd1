/**
 * The upper part of a restore point: the folders that lead from "/" to the trees. They are taken from the live host by
 * one find, metadata only; what matters in them is that a restore gives them their owner, mode and time.
 */
import { invariant } from '../../base/errors.ts';
import { encodeTree } from '../../repository/format/tree.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { ListedEntry } from './listing.ts';
import { buildNode, type NodeContext } from './node.ts';
import type { ReadingSink } from './reading-sink.ts';

export interface TopTree {
  readonly path: Buffer;
  readonly node: Node;
}

/** Strictly between "/" and each path; "/srv/a/b" gives "/srv" and "/srv/a". */
export function ancestorsOf(paths: readonly Buffer[]): readonly Buffer[] {
  const found = new Map<string, Buffer>();
  for (const path of paths) {
    const text = path.toString('latin1');
    for (let slash = text.indexOf('/', 1); slash > 0; slash = text.indexOf('/', slash + 1)) {
      found.set(text.slice(0, slash), path.subarray(0, slash));
    }
  }
  return [...found.values()];
}

/** Stores the upper folders; resolves to the id of the root's tree. A tree at "/" is the root itself. */
export async function storeRootTree(
  { trees, ancestors }: { readonly trees: readonly TopTree[]; readonly ancestors: readonly ListedEntry[] },
  sink: Pick<ReadingSink, 'place' | 'putTree'>,
  context: NodeContext,
  signal: AbortSignal,
): Promise<BlobId> {
  const whole = trees.find((tree) => tree.path.length === 1);
  if (whole?.node.subtree !== undefined) return whole.node.subtree;
  const facts = new Map(ancestors.map((entry) => [entry.path.toString('latin1'), entry]));
  const nodes = new Map(trees.map((tree) => [tree.path.toString('latin1'), tree.node]));
  // Longest first: a folder is stored when all that is in it is.
  const folders = [...new Set([...facts.keys(), ''])].sort((a, b) => b.length - a.length);
  let root: BlobId | undefined;
  for (const folder of folders) {
    const children = [...nodes]
      .filter(([path]) => path.slice(0, path.lastIndexOf('/')) === folder)
      .map(([, node]) => node);
    const { saved } = await sink.putTree(encodeTree(children), signal);
    const { id } = await saved;
    const entry = facts.get(folder);
    if (entry === undefined) {
      root = id;
      continue;
    }
    const name = entry.path.subarray(entry.path.lastIndexOf(0x2f) + 1);
    const node = buildNode(name, entry, { subtree: id }, context);
    nodes.set(folder, node);
    sink.place(entry.path, node, undefined);
  }
  invariant(root !== undefined, 'a restore point has a root tree');
  return root;
}
