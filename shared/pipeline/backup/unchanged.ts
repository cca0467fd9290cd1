/**
 * Whether a file is what the parent restore point holds. Everything that stat(2) tells must be equal, ctime and inode
 * above all: ctime is the one time that users cannot set. Compared for equality, never "newer than", because clocks
 * are set back. The volume's device number is left out: it changes with each snapshot.
 */
import type { Node } from '../../repository/node.ts';
import { timestampToNs } from '../../repository/timestamp.ts';
import type { ListedEntry } from './listing.ts';

/**
 * A file changed in the same tick as the parent's snapshot may have changed again within it, with equal times. What is
 * this close to the parent's instant is read again. Kernel ticks are 10 ms; the label of the instant is cruder.
 */
const RACY_NS = 2_000_000_000n;

export function isUnchanged(entry: ListedEntry, parent: Node, believedBeforeNs: bigint): boolean {
  return (
    entry.type === parent.type &&
    entry.inode === (parent.inode ?? -1n) &&
    entry.mode === parent.mode &&
    entry.uid === parent.uid &&
    entry.gid === parent.gid &&
    (entry.type !== 'file' || (entry.size === (parent.size ?? 0) && entry.links === (parent.links ?? 1))) &&
    (entry.type !== 'symlink' || entry.linkTarget.equals(parent.linkTarget ?? Buffer.alloc(0))) &&
    entry.mtimeNs === timestampToNs(parent.mtime) &&
    entry.ctimeNs === timestampToNs(parent.ctime) &&
    entry.ctimeNs < believedBeforeNs - RACY_NS &&
    entry.mtimeNs < believedBeforeNs - RACY_NS &&
    parent.error === undefined
  );
}
