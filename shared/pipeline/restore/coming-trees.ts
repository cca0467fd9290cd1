/** Which trees a walk will ask for next: it says so, and does not wait for each by itself. */
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';

const TREES_AHEAD = 8;

/** The trees of the folders in one folder that were not entered yet, as far as they are known. */
export class ComingTrees {
  #trees: readonly BlobId[] = [];
  #at = 0;

  /** Gives the parts of the folder, and takes down which trees are in them. */
  async *noting(parts: AsyncIterable<readonly Node[]>): AsyncIterable<readonly Node[]> {
    for await (const nodes of parts) {
      this.#trees = [...this.#trees.slice(this.#at), ...nodes.flatMap(treeOf)];
      this.#at = 0;
      yield nodes;
    }
  }

  /** A folder was met: what is in it is asked for now, or never. */
  pass(node: Node): void {
    this.#at += treeOf(node).length;
  }

  first(count: number): readonly BlobId[] {
    return this.#trees.slice(this.#at, this.#at + count);
  }
}

/** What is in the innermost folder comes before what is beside it. */
export function nextTrees(open: readonly { readonly coming: ComingTrees }[]): readonly BlobId[] {
  const trees: BlobId[] = [];
  for (const { coming } of open.slice(-TREES_AHEAD).toReversed())
    trees.push(...coming.first(TREES_AHEAD - trees.length));
  return trees;
}

function treeOf({ type, subtree }: Node): readonly BlobId[] {
  return type === 'dir' && subtree !== undefined ? [subtree] : [];
}
