/**
 * Whether a file is what the parent restore point holds. Everything that stat(2) tells must be equal, ctime and inode
 * above all: ctime is the one time that users cannot set. Compared for equality, never "newer than", because clocks
 * are set back. The volume's device number is left out: it changes with each snapshot.
 */
import type { Node } from '../../repository/node.ts';
import { type Timestamp, timestampFromNs, timestampToNs } from '../../repository/timestamp.ts';
import type { ListedEntry } from './listing.ts';
import type { NodeContext } from './node.ts';

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
    isTime(node.mtime, entry.mtimeNs) &&
    isTime(node.ctime, entry.ctimeNs)
  );
}

/** As we write it, or as another program does. */
const isTime = (time: Timestamp, ns: bigint): boolean => time === timestampFromNs(ns) || timestampToNs(time) === ns;

/** Whether the node of an unchanged entry would be the parent's to the letter. Its attributes and content are the parent's anyway. */
export function isToTheLetter(entry: ListedEntry, parent: Node, { users, groups, deviceId }: NodeContext): boolean {
  const { type, uid, gid, links } = entry;
  const hasLinks = type !== 'dir' && type !== 'fifo' && type !== 'socket';
  return (
    parent.atime === parent.mtime &&
    parent.mtime === timestampFromNs(entry.mtimeNs) &&
    parent.ctime === timestampFromNs(entry.ctimeNs) &&
    parent.user === users.get(uid) &&
    parent.group === groups.get(gid) &&
    parent.links === (hasLinks ? links : undefined) &&
    parent.deviceId === (type !== 'dir' && links > 1 ? deviceId : undefined) &&
    (type === 'file' || parent.size === undefined) &&
    (type === 'symlink') === (parent.linkTarget !== undefined) &&
    Object.keys(parent).every((key) => OURS.has(key))
  );
}

/** What we write of an entry without a fault. */
const OURS: ReadonlySet<string> = new Set(
  'name type mode mtime atime ctime uid gid user group inode deviceId size links linkTarget extendedAttributes device content subtree'.split(
    ' ',
  ),
);
