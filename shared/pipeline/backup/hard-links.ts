/**
 * Several names of one file: its content is read under the first name and shared by the others. An inode is remembered
 * only until all its names were seen, so memory follows the number of open link groups.
 */
import type { ListedEntry } from './listing.ts';
import type { NodeRest } from './node.ts';

interface Group {
  readonly rest: Promise<NodeRest | undefined>;
  left: number;
}

export class HardLinks {
  readonly #groups = new Map<bigint, Group>();

  find(entry: ListedEntry): Promise<NodeRest | undefined> | undefined {
    const group = this.#groups.get(entry.inode);
    if (group === undefined || entry.links < 2 || entry.type === 'dir') return undefined;
    group.left -= 1;
    if (group.left === 0) this.#groups.delete(entry.inode);
    return group.rest;
  }

  remember(entry: ListedEntry, rest: Promise<NodeRest | undefined>): void {
    if (entry.links > 1 && entry.type !== 'dir') this.#groups.set(entry.inode, { rest, left: entry.links - 1 });
  }
}
