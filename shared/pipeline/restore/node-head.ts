/** A node of a tree as the head of a tar entry. */

import type { ExtendedAttribute, Node, NodeType } from '../../repository/node.ts';
import { type Timestamp, timestampToNs } from '../../repository/timestamp.ts';
import type { SparseMap, TarEntryType, TarHead, TarTime, TarXattr } from '../../tar/entry.ts';
import { decodePosixAcl, formatAclText } from '../../tar/posix-acl.ts';

/** Sockets belong to the program that listens; "irregular" is what restic could not name. Neither can be made again. */
const TYPES: Readonly<Record<NodeType, TarEntryType | undefined>> = {
  file: 'file',
  dir: 'dir',
  symlink: 'symlink',
  dev: 'blockdev',
  chardev: 'chardev',
  fifo: 'fifo',
  socket: undefined,
  irregular: undefined,
};

const NO_BYTES = Buffer.alloc(0);

export interface HeadFacts {
  readonly path: Buffer;
  readonly size: number;
  readonly sparse: SparseMap | undefined;
  /** The earlier name, when this is one more name of a file. */
  readonly linkTo: Buffer | undefined;
}

/** Whether there is a way to make this kind of entry. */
export function isRestorable(type: NodeType): boolean {
  return TYPES[type] !== undefined;
}

export function headOfNode(node: Node, { path, size, sparse, linkTo }: HeadFacts): TarHead {
  const type = linkTo === undefined ? (TYPES[node.type] ?? 'file') : 'hardlink';
  const attributes = (linkTo === undefined ? node.extendedAttributes : undefined) ?? [];
  return {
    name: path,
    type,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    size,
    mtime: tarTime(node.mtime),
    linkName: linkTo ?? (type === 'symlink' ? (node.linkTarget ?? NO_BYTES) : NO_BYTES),
    ...deviceNumbers(node.device ?? 0n),
    xattrs: attributes.flatMap(tarXattr),
    aclAccess: aclText(attributes, 'system.posix_acl_access'),
    aclDefault: aclText(attributes, 'system.posix_acl_default'),
    sparse,
  };
}

function tarTime(timestamp: Timestamp): TarTime {
  const ns = timestampToNs(timestamp);
  const nanoseconds = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((ns - nanoseconds) / 1_000_000_000n), nanoseconds: Number(nanoseconds) };
}

/** Linux' 64-bit dev_t (sysmacros.h of the C library). */
function deviceNumbers(device: bigint): { readonly devMajor: number; readonly devMinor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { devMajor: Number(major), devMinor: Number(minor) };
}

/** XFS shows its ACLs a second time under names of its own; the first time is enough. */
function tarXattr({ name, value }: ExtendedAttribute): TarXattr[] {
  return name.startsWith('trusted.SGI_ACL_') ? [] : [{ name: Buffer.from(name, 'utf8'), value }];
}

function aclText(attributes: readonly ExtendedAttribute[], name: string): Buffer | undefined {
  const value = attributes.find((attribute) => attribute.name === name)?.value;
  const entries = value === undefined ? undefined : decodePosixAcl(value);
  return entries === undefined ? undefined : formatAclText(entries);
}
