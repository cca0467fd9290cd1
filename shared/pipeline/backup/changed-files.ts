/**
 * Which files changed between two looks at a live tree. Both listings come in the order of find, which is much the same
 * both times, so what waits for its counterpart is little; where it is not, what waits too long counts as changed.
 */
import type { ListedEntry } from './listing.ts';
import { RACY_NS } from './unchanged.ts';

/** `gone`: not there any more, under no name; `moved`: there under another one. */
export type Change = 'changed' | 'gone' | 'moved';

const MOST_WAITING = 200_000;

/**
 * @param clockNs what the host's clock showed before the first look: a file that was changed about then may have been
 *   changed once more in the same tick, and looks the same
 * @returns by path below the root, as Latin-1 text
 */
export async function changedFiles(
  before: AsyncIterable<ListedEntry>,
  after: AsyncIterable<ListedEntry>,
  clockNs: bigint,
): Promise<ReadonlyMap<string, Change>> {
  const changes = new Map<string, Change>();
  const old = new Map<string, ListedEntry>();
  const now = new Map<string, ListedEntry>();
  const compare = (path: string, was: ListedEntry, is: ListedEntry): void => {
    if (!isSameFile(was, is) || isFresh(was, clockNs)) changes.set(path, 'changed');
  };
  const looks = [before[Symbol.asyncIterator](), after[Symbol.asyncIterator]()] as const;
  try {
    for (let open = [true, true]; open.includes(true); ) {
      const was = open[0] === true ? await looks[0].next() : undefined;
      const is = open[1] === true ? await looks[1].next() : undefined;
      open = [was?.done === false, is?.done === false];
      if (was?.done === false && was.value.type === 'file') {
        const path = was.value.path.toString('latin1');
        const counterpart = now.get(path);
        if (counterpart === undefined) old.set(path, was.value);
        else compare(path, was.value, counterpart);
        now.delete(path);
      }
      if (is?.done === false && is.value.type === 'file') {
        const path = is.value.path.toString('latin1');
        const counterpart = old.get(path);
        if (counterpart === undefined) now.set(path, is.value);
        else compare(path, counterpart, is.value);
        old.delete(path);
      }
      if (old.size + now.size > MOST_WAITING) {
        for (const path of old.keys()) changes.set(path, 'changed');
        old.clear();
        now.clear();
      }
    }
  } finally {
    for (const look of looks) await look.return?.();
  }
  const inodes = new Set([...now.values()].map(({ inode }) => inode));
  for (const [path, { inode }] of old) changes.set(path, inodes.has(inode) ? 'moved' : 'gone');
  return changes;
}

/** Whether it was changed so shortly before the look that it may have been changed again unseen. */
export function isFresh({ ctimeNs }: ListedEntry, clockNs: bigint): boolean {
  return ctimeNs > clockNs - RACY_NS && ctimeNs < clockNs + RACY_NS;
}

function isSameFile(was: ListedEntry, is: ListedEntry): boolean {
  return (
    is.inode === was.inode &&
    is.size === was.size &&
    is.mode === was.mode &&
    is.uid === was.uid &&
    is.gid === was.gid &&
    is.mtimeNs === was.mtimeNs &&
    is.ctimeNs === was.ctimeNs
  );
}
