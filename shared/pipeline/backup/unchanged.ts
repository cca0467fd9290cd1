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
export const RACY_NS = 2_000_000_000n;

export function isUnchanged(entry: ListedEntry, parent: Node, believedBeforeNs: bigint): boolean {
  return (
    isSame(entry, parent) &&
    entry.ctimeNs < believedBeforeNs - RACY_NS &&
    entry.mtimeNs < believedBeforeNs - RACY_NS &&
    parent.error === undefined
  );
}

/** Whether all that stat(2) tells is equal. */
export function isSame(entry: ListedEntry, node: Node): boolean {
  return (
    entry.type === node.type &&
    entry.inode === (node.inode ?? -1n) &&
    entry.mode === node.mode &&
    entry.uid === node.uid &&
    entry.gid === node.gid &&
    (entry.type !== 'file' || (entry.size === (node.size ?? 0) && entry.links === (node.links ?? 1))) &&
    (entry.type !== 'symlink' || entry.linkTarget.equals(node.linkTarget ?? Buffer.alloc(0))) &&
    entry.mtimeNs === timestampToNs(node.mtime) &&
    entry.ctimeNs === timestampToNs(node.ctime)
  );
}
