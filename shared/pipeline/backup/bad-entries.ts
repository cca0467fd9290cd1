/** What did not come whole in the pass before. All names of a file share what came under its first one, and so its doubts. */
import type { ListedEntry } from './listing.ts';

export interface BadNames {
  /** By the name that tar was given, as Latin-1 text: what did not come whole in the pass before. Asked for again. */
  readonly doubtful: ReadonlyMap<string, string>;
  /** The same for what is left out now, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
}

export class BadEntries {
  readonly #names: BadNames;
  /** Inodes with several names of which one was in doubt or unreadable, with the reason where it is left out. */
  readonly #inodes = new Map<bigint, string | undefined>();

  constructor(names: BadNames) {
    this.#names = names;
  }

  /** @param name as tar is given it */
  isDoubtful(entry: ListedEntry, name: Buffer): boolean {
    const isNamed = this.#names.doubtful.has(name.toString('latin1'));
    if (isNamed && hasOtherNames(entry)) this.#inodes.set(entry.inode, undefined);
    return isNamed || (hasOtherNames(entry) && this.#inodes.has(entry.inode));
  }

  whyUnreadable(entry: ListedEntry, name: Buffer): string | undefined {
    const reason =
      this.#names.unreadable.get(name.toString('latin1')) ??
      (hasOtherNames(entry) ? this.#inodes.get(entry.inode) : undefined);
    if (reason !== undefined && hasOtherNames(entry)) this.#inodes.set(entry.inode, reason);
    return reason;
  }
}

const hasOtherNames = ({ type, links }: ListedEntry): boolean => links > 1 && type !== 'dir';
