/** What is hit in and below one tree, by cause: every cause is there with its true count, and the first paths by name. */
import { MAX_AFFECTED } from './damage.ts';

/** Of all causes together. Beyond it a cause is named by one path, so that memory stays bounded. */
const MAX_PATHS = 10_000;

interface CauseHits {
  readonly paths: string[];
  count: number;
}

export class TreeHits {
  readonly #causes = new Map<string, CauseHits>();
  #paths = 0;

  get isEmpty(): boolean {
    return this.#causes.size === 0;
  }

  /** @param path from this tree on; empty for the tree itself */
  add(cause: string, path: string): this {
    this.#add(cause, [path], 1);
    return this;
  }

  /** Takes over what is hit below the entry `name`. */
  addBelow(name: string, below: TreeHits): void {
    for (const [cause, { paths, count }] of below) this.#add(cause, paths, count, `/${name}`);
  }

  [Symbol.iterator](): IterableIterator<[string, Readonly<CauseHits>]> {
    return this.#causes.entries();
  }

  #add(cause: string, paths: readonly string[], count: number, prefix = ''): void {
    const hits = this.#causes.get(cause) ?? { paths: [], count: 0 };
    this.#causes.set(cause, hits);
    hits.count += count;
    const room = Math.min(MAX_AFFECTED - hits.paths.length, MAX_PATHS - this.#paths);
    const named = paths.slice(0, Math.max(room, hits.paths.length === 0 ? 1 : 0));
    for (const path of named) hits.paths.push(prefix + path);
    this.#paths += named.length;
  }
}

export const NO_HITS = new TreeHits();
