/** Nodes from what the host listed, completed by the parent's node or by the header that tar wrote. */
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import { timestampFromNs } from '../../repository/timestamp.ts';
import type { TarEntry } from '../../tar/entry.ts';
import type { ListedEntry } from './listing.ts';

/** Names for numbers, and the volume's own number: what st_dev would be if it did not change with every snapshot. */
export interface NodeContext {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
  readonly deviceId: bigint;
}

/** What a listing cannot tell. */
/** A size where another one came than was listed. */
export type NodeRest = Pick<Node, 'extendedAttributes' | 'device' | 'error' | 'size'> & {
  readonly content?: readonly BlobId[];
  readonly subtree?: BlobId;
};

export function buildNode(name: Buffer, entry: ListedEntry, rest: NodeRest, context: NodeContext): Node {
  const user = context.users.get(entry.uid);
  const group = context.groups.get(entry.gid);
  const mtime = timestampFromNs(entry.mtimeNs);
  return {
    name,
    type: entry.type,
    mode: entry.mode,
    mtime,
    // restic's default too: with access times, every backup would change every folder that was looked at.
    atime: mtime,
    ctime: timestampFromNs(entry.ctimeNs),
    uid: entry.uid,
    gid: entry.gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    inode: entry.inode,
    // Only hard links need it.
    ...(entry.type !== 'dir' && entry.links > 1 ? { deviceId: context.deviceId } : {}),
    ...(entry.type === 'file' ? { size: entry.size } : {}),
    ...(entry.type === 'dir' || entry.type === 'fifo' || entry.type === 'socket' ? {} : { links: entry.links }),
    ...(entry.type === 'symlink' ? { linkTarget: entry.linkTarget } : {}),
    ...rest,
  };
}

export function restFromTar(entry: TarEntry): NodeRest {
  const device =
    entry.type === 'blockdev' || entry.type === 'chardev' ? { device: makeDevice(entry.devMajor, entry.devMinor) } : {};
  const extendedAttributes = entry.xattrs
    .filter(({ name }) => !name.subarray(0, XFS_ACL.length).equals(XFS_ACL))
    .map(({ name, value }) => ({ name: name.toString('utf8'), value: Buffer.from(value) }));
  return extendedAttributes.length === 0 ? device : { ...device, extendedAttributes };
}

/** XFS shows root its ACLs a second time under this name; no other file system could take it back. */
const XFS_ACL = Buffer.from('trusted.SGI_ACL_');

export function restFromParent(parent: Node): NodeRest {
  return {
    ...(parent.extendedAttributes === undefined ? {} : { extendedAttributes: parent.extendedAttributes }),
    ...(parent.device === undefined ? {} : { device: parent.device }),
    ...(parent.content === undefined ? {} : { content: parent.content }),
  };
}

/** st_rdev as Linux and glibc build it from major and minor; see makedev(3). */
function makeDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}
