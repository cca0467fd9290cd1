/**
 * Whether a file is what the parent restore point holds. Everything that stat(2) tells must be equal, ctime and inode
 * above all: ctime is the one time that users cannot set. Compared for equality, never "newer than", because clocks
 * are set back. The volume's device number is left out: it changes with each snapshot.
 */
import type { Node } from '../../repository/node.ts';
import { timestampFromNs, timestampToNs } from '../../repository/timestamp.ts';
import type { ListedEntry } from './listing.ts';
import type { NodeContext } from './node.ts';

/**
 * A file changed in the same tick as the parent's snapshot may have changed again within it, with equal times. What is
 * this close to the parent's instant is read again. Kernel ticks are 10 ms; the label of the instant is cruder.
 */
export const RACY_NS = 2_000_000_000n;

export function isUnchanged(entry: ListedEntry, parent: Node, believedBeforeNs: bigint): boolean {
  return isSame(entry, parent) && isOld(entry, believedBeforeNs) && parent.error === undefined;
}

export function isOld({ ctimeNs, mtimeNs }: ListedEntry, believedBeforeNs: bigint): boolean {
  return isOldTime(ctimeNs, believedBeforeNs) && isOldTime(mtimeNs, believedBeforeNs);
}

export const isOldTime = (timeNs: bigint, believedBeforeNs: bigint): boolean => timeNs < believedBeforeNs - RACY_NS;

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

/**
 * Whether the node of an unchanged entry would be the parent's to the letter: of most trees nearly all are, so it looks at what was
 * written, and not at what that means. Its attributes and content are the parent's anyway.
 */
export function isToTheLetter(entry: ListedEntry, parent: Node, { users, groups, deviceId }: NodeContext): boolean {
  const { type, uid, gid, links, size } = entry;
  const hasLinks = type !== 'dir' && type !== 'fifo' && type !== 'socket';
  return (
    parent.type === type &&
    parent.inode === entry.inode &&
    parent.mode === entry.mode &&
    parent.uid === uid &&
    parent.gid === gid &&
    parent.ctime === timestampFromNs(entry.ctimeNs) &&
    parent.mtime === timestampFromNs(entry.mtimeNs) &&
    parent.atime === parent.mtime &&
    parent.user === users.get(uid) &&
    parent.group === groups.get(gid) &&
    parent.links === (hasLinks ? links : undefined) &&
    parent.deviceId === (type !== 'dir' && links > 1 ? deviceId : undefined) &&
    (type === 'file' ? (parent.size ?? 0) === size : parent.size === undefined) &&
    (type === 'symlink' ? parent.linkTarget?.equals(entry.linkTarget) === true : parent.linkTarget === undefined) &&
    !NOT_OURS.some((key) => key in parent)
  );
}

/** What a node may have that we write of no entry, or of none that came whole. */
const NOT_OURS = ['error', 'stray', 'extra', 'storedMode', 'genericAttributes'] as const;
