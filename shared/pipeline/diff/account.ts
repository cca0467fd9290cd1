/** Which blobs only one side of a comparison has, and how large they are. */

import { BlobSet } from '../../repository/blob-set.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { PointReader } from '../../repository/point-reader.ts';

export interface BlobFigures {
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  readonly bytes: number;
}

type Reader = Pick<PointReader, 'index' | 'treeParts'>;

export class BlobAccount {
  readonly #repository: Reader;
  readonly #before: BlobSet;
  readonly #after: BlobSet;
  /** Below folders that are the same on both sides. */
  readonly #common: BlobSet;
  readonly #unread: BlobId[] = [];

  constructor(repository: Reader) {
    this.#repository = repository;
    this.#before = new BlobSet(repository.index);
    this.#after = new BlobSet(repository.index);
    this.#common = new BlobSet(repository.index);
  }

  addTree(side: 'before' | 'after', id: BlobId): void {
    (side === 'before' ? this.#before : this.#after).add('tree', id);
  }

  addNode(side: 'before' | 'after', { content, subtree }: Node): void {
    const blobs = side === 'before' ? this.#before : this.#after;
    for (const id of content ?? []) blobs.add('data', id);
    if (subtree !== undefined) blobs.add('tree', subtree);
  }

  /** A folder that is the same on both sides. */
  addCommon(tree: BlobId): void {
    if (this.#common.add('tree', tree) === true) this.#unread.push(tree);
  }

  async settle(
    exact: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly added: BlobFigures; readonly removed: BlobFigures; readonly isExact: boolean }> {
    const isClear = this.#unread.length === 0 || this.#isBalanced();
    if (exact && !isClear) await this.#readCommon(signal);
    return {
      added: this.#onlyIn(this.#after, this.#before),
      removed: this.#onlyIn(this.#before, this.#after),
      isExact: exact || isClear,
    };
  }

  /** Neither side has a blob of its own: there is nothing that the rest could hold too. */
  #isBalanced(): boolean {
    const sums = [this.#onlyIn(this.#after, this.#before), this.#onlyIn(this.#before, this.#after)];
    return sums.every(({ dataBlobs, treeBlobs }) => dataBlobs + treeBlobs === 0);
  }

  async #readCommon(signal: AbortSignal): Promise<void> {
    for (let id = this.#unread.pop(); id !== undefined; id = this.#unread.pop()) {
      signal.throwIfAborted();
      for await (const nodes of this.#repository.treeParts(id, signal)) {
        for (const { content, subtree } of nodes) {
          for (const blob of content ?? []) this.#common.add('data', blob);
          if (subtree !== undefined) this.addCommon(subtree);
        }
      }
    }
  }

  #onlyIn(side: BlobSet, other: BlobSet): BlobFigures {
    const { index } = this.#repository;
    const figures = { dataBlobs: 0, treeBlobs: 0, bytes: 0 };
    for (const number of side.numbers()) {
      if (other.hasNumber(number) || this.#common.hasNumber(number)) continue;
      const { type, bytes } = index.sizeAt(number);
      if (type === 'data') figures.dataBlobs += 1;
      else figures.treeBlobs += 1;
      figures.bytes += bytes;
    }
    return figures;
  }
}
