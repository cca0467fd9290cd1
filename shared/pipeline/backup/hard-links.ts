/**
 * Several names of one file: its content is read under the first name and shared by the others. An inode is remembered
 * only until all its names were seen, so memory follows the number of open link groups.
 */
import type { ListedEntry } from './listing.ts';
import type { NodeRest } from './node.ts';

export interface FirstName {
  readonly path: Buffer;
  readonly rest: Promise<NodeRest | undefined>;
}

interface Group extends FirstName {
  left: number;
}

export class HardLinks {
  readonly #groups = new Map<bigint, Group>();

  find(entry: ListedEntry): FirstName | undefined {
    const group = this.#groups.get(entry.inode);
    if (group === undefined || entry.links < 2 || entry.type === 'dir') return undefined;
    group.left -= 1;
    if (group.left === 0) this.#groups.delete(entry.inode);
    return group;
  }

  remember(entry: ListedEntry, first: FirstName): void {
    if (entry.links > 1 && entry.type !== 'dir') this.#groups.set(entry.inode, { ...first, left: entry.links - 1 });
  }
}
