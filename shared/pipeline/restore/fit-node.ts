/**
 * What a node becomes in a given target: what no system can hold, or this one or this user cannot, is taken off and
 * named before tar sees it. A repository may say anything; whatever comes out of here is something that Linux has.
 */
import type { ExtendedAttribute, Node } from '../../repository/format/node.ts';

/** Who restores, and what the target's file system can hold. */
export interface TargetTraits {
  readonly uid: number;
  readonly gid: number;
}

export interface FittedNode {
  readonly node: Node;
  /** What is not kept of it. */
  readonly losses: readonly string[];
}

/** chown(2) takes this number for "leave it as it is", and none of Linux' own is larger. */
const NO_ID = 0xffff_ffff;
/** PATH_MAX and XATTR_SIZE_MAX of Linux. */
const MAX_LINK_TARGET = 4095;
const MAX_ATTRIBUTE = 64 * 1024;
const MAX_NAME = 4095;
const SET_ID_BITS = 0o6000;

/** Why there can be no such entry at all; undefined when there can. */
export function obstacleTo(node: Node): string | undefined {
  if (node.name.length > MAX_NAME) return `its name has ${node.name.length} bytes`;
  if (node.type === 'symlink') {
    const target = node.linkTarget ?? Buffer.alloc(0);
    if (target.length === 0) return 'it is a symbolic link to nothing';
    if (target.includes(0)) return 'it is a symbolic link whose target holds a NUL';
    if (target.length > MAX_LINK_TARGET) return `it is a symbolic link whose target has ${target.length} bytes`;
  }
  return undefined;
}

export function fitNode(node: Node, traits: TargetTraits): FittedNode {
  const losses: string[] = [];
  const owner = ownerOf(node, traits, losses);
  let { mode } = node;
  // Set-user-ID without that user would lend out the rights of whoever restores.
  if (!owner.isKept && node.type !== 'dir' && (mode & SET_ID_BITS) !== 0) {
    mode &= ~SET_ID_BITS;
    losses.push('set-user-ID and set-group-ID bits (the owner is another one)');
  }
  const extendedAttributes = node.extendedAttributes?.filter((attribute) => isPossible(attribute, losses));
  const { uid, gid } = owner;
  return { node: { ...node, mode, uid, gid, ...(extendedAttributes && { extendedAttributes }) }, losses };
}

function ownerOf(
  { uid, gid }: Node,
  traits: TargetTraits,
  losses: string[],
): { readonly uid: number; readonly gid: number; readonly isKept: boolean } {
  const own = { uid: traits.uid, gid: traits.gid };
  if (uid >= NO_ID || gid >= NO_ID) {
    losses.push('owner or group (the number is none that a user can have)');
    return { ...own, isKept: false };
  }
  if (traits.uid === 0 || (uid === own.uid && gid === own.gid)) return { uid, gid, isKept: true };
  losses.push('owner or group (only root can give files to others)');
  return { ...own, isKept: false };
}

function isPossible({ name, value }: ExtendedAttribute, losses: string[]): boolean {
  if (name === '' || name.includes('\0') || !name.includes('.')) {
    losses.push('extended attribute (its name is none that a file can have)');
    return false;
  }
  if (value.length > MAX_ATTRIBUTE) {
    losses.push('extended attribute (it is larger than 64 KiB)');
    return false;
  }
  return true;
}
