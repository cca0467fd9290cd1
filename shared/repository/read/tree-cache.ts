/** The trees that were read last, bounded by the bytes of their text; browsing and comparing read the same ones again. */

import type { Tree } from '../format/stored-node.ts';
import type { BlobId } from '../ids.ts';

const LIMIT_BYTES = 16 * 1024 * 1024;

export class TreeCache {
  /** In the order of use, oldest first. */
  readonly #trees = new Map<BlobId, { readonly tree: Tree; readonly bytes: number }>();
  #bytes = 0;

  has(id: BlobId): boolean {
    return this.#trees.has(id);
  }

  find(id: BlobId): Tree | undefined {
    const entry = this.#trees.get(id);
    if (entry === undefined) return undefined;
    this.#trees.delete(id);
    this.#trees.set(id, entry);
    return entry.tree;
  }

  add(id: BlobId, tree: Tree, bytes: number): void {
    if (this.#trees.has(id)) return;
    this.#trees.set(id, { tree, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#trees) {
      if (this.#bytes <= LIMIT_BYTES) return;
      this.#trees.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }
}
