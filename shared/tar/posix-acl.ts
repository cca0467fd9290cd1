/**
 * POSIX ACLs in their two forms: the value of the extended attributes `system.posix_acl_access` and `…_default` as
 * Linux has it and restic stores it (linux/posix_acl_xattr.h: a little-endian version 2, then tag, permissions and id
 * of each entry), and the text of tar's SCHILY.acl.* records. In text that we write, ids are numbers: names mean
 * something else on another machine.
 */

type PosixAclTag = 'user-owner' | 'user' | 'group-owner' | 'group' | 'mask' | 'other';

export interface PosixAclEntry {
  readonly tag: PosixAclTag;
  /** Read 4, write 2, execute 1. */
  readonly permissions: number;
  /** The user's or group's number; undefined for tags that name no user or group. */
  readonly id: number | undefined;
}

const VERSION = 2;
const ENTRY_BYTES = 8;
const NO_ID = 0xffffffff;

const TAG_NUMBERS: Readonly<Record<PosixAclTag, number>> = {
  'user-owner': 0x01,
  user: 0x02,
  'group-owner': 0x04,
  group: 0x08,
  mask: 0x10,
  other: 0x20,
};
const TAGS = new Map(Object.entries(TAG_NUMBERS).map(([tag, number]) => [number, tag as PosixAclTag]));

/** Undefined when the value is not an ACL of version 2. */
export function decodePosixAcl(value: Buffer): PosixAclEntry[] | undefined {
  if (value.length < 4 || value.readUInt32LE(0) !== VERSION || (value.length - 4) % ENTRY_BYTES !== 0) return undefined;
  const entries: PosixAclEntry[] = [];
  for (let at = 4; at < value.length; at += ENTRY_BYTES) {
    const tag = TAGS.get(value.readUInt16LE(at));
    const permissions = value.readUInt16LE(at + 2);
    if (tag === undefined || permissions > 7) return undefined;
    entries.push({ tag, permissions, id: namesSomebody(tag) ? value.readUInt32LE(at + 4) : undefined });
  }
  return entries;
}

export function encodePosixAcl(entries: readonly PosixAclEntry[]): Buffer {
  const value = Buffer.alloc(4 + entries.length * ENTRY_BYTES);
  value.writeUInt32LE(VERSION, 0);
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    const at = 4 + index * ENTRY_BYTES;
    value.writeUInt16LE(TAG_NUMBERS[tag], at);
    value.writeUInt16LE(permissions, at + 2);
    value.writeUInt32LE(id ?? NO_ID, at + 4);
  }
  return value;
}

/** One entry a line, as `tar --acls` writes it. */
export function formatAclText(entries: readonly PosixAclEntry[]): Buffer {
  const lines = entries.map(({ tag, permissions, id }) => {
    const text = `${permissions & 4 ? 'r' : '-'}${permissions & 2 ? 'w' : '-'}${permissions & 1 ? 'x' : '-'}`;
    return `${tag.split('-', 1)[0]}:${id ?? ''}:${text}\n`;
  });
  return Buffer.from(lines.join(''), 'latin1');
}

function namesSomebody(tag: PosixAclTag): boolean {
  return tag === 'user' || tag === 'group';
}
