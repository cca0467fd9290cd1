/**
 * Trees, kept for a while, and read before they are asked for: a walk knows which folders come next, and from a store that
 * is far away each would be waited for by itself. What goes wrong ahead is left to whoever asks: it is read once more,
 * and fails there.
 */
import { abortable } from '../../base/cancel.ts';
import type { Tree } from '../format/stored-node.ts';
import { decodeTree } from '../format/tree.ts';
import type { BlobId } from '../ids.ts';
import { TreeCache } from './tree-cache.ts';

/** Trees that are read ahead at a time, as many as a store has connections, and a few to be decoded. */
const MOST_AHEAD = 8;
/** Longer texts are read when they are asked for: those that are read ahead must fit into what is kept. */
const MOST_BYTES_AHEAD = 1024 ** 2;

export interface TreesPorts {
  /** Plaintext length; undefined where the tree is not known. */
  sizeOf(id: BlobId): number | undefined;
  load(id: BlobId, signal: AbortSignal): Promise<Buffer>;
  /** For errors. */
  nameOf(id: BlobId): string;
}

export class Trees {
  readonly #ports: TreesPorts;
  readonly #kept = new TreeCache();
  readonly #ahead = new Map<BlobId, Promise<Tree | undefined>>();

  constructor(ports: TreesPorts) {
    this.#ports = ports;
  }

  /** The tree is shared and must not be changed. */
  async load(id: BlobId, signal: AbortSignal): Promise<Tree> {
    const kept = this.#kept.find(id);
    if (kept !== undefined) return kept;
    const ahead = this.#ahead.get(id);
    const tree = ahead && (await abortable(ahead, signal));
    return tree ?? (await this.#read(id, signal));
  }

  /** Begins to read the first ones of those that will be asked for, in this order. */
  expect(ids: Iterable<BlobId>, signal: AbortSignal): void {
    for (const id of ids) {
      if (this.#ahead.size >= MOST_AHEAD || signal.aborted) return;
      const bytes = this.#ports.sizeOf(id);
      if (bytes === undefined || bytes > MOST_BYTES_AHEAD || this.#kept.has(id) || this.#ahead.has(id)) continue;
      const reading = this.#read(id, signal)
        .catch(() => undefined)
        .finally(() => this.#ahead.delete(id));
      this.#ahead.set(id, reading);
    }
  }

  async #read(id: BlobId, signal: AbortSignal): Promise<Tree> {
    const data = await this.#ports.load(id, signal);
    const tree = decodeTree(data, this.#ports.nameOf(id));
    this.#kept.add(id, tree, data.length);
    return tree;
  }
}
