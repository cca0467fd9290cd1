/**
 * What a node becomes in a given target: what no system can hold, or this one or this user cannot, is taken off and
 * named before tar sees it. A repository may say anything; whatever comes out of here is something that Linux has.
 */
import type { ExtendedAttribute, Node, NodeType } from '../../repository/node.ts';
import { timestampToNs } from '../../repository/timestamp.ts';

/** Who restores, and what the target's file system can hold. */
export interface TargetTraits {
  readonly uid: number;
  readonly gid: number;
  /** `own`: an ordinary user's files are his. `lost`: root cannot give files to others here. */
  readonly owners: 'kept' | 'own' | 'lost';
  readonly permissions: boolean;
  readonly acls: boolean;
  readonly attributes: boolean;
  readonly symlinks: boolean;
  readonly hardLinks: boolean;
  readonly pipes: boolean;
  readonly devices: boolean;
  /** Names are bytes: any two that differ can exist side by side. */
  readonly exactNames: boolean;
  /** To the nanosecond. */
  readonly exactTimes: boolean;
  /** Seconds since 1970; times beyond become these. */
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
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
const ACL_PREFIX = 'system.posix_acl_';
const BILLION = 1_000_000_000n;

/** Why there can be no such entry there; undefined when there can. */
export function obstacleTo(node: Node, traits: TargetTraits): string | undefined {
  if (node.name.length > MAX_NAME) return `its name has ${node.name.length} bytes`;
  const kind = kindOf(node.type, traits);
  if (kind !== undefined) return `it is ${kind}, and the target's file system has none`;
  if (node.type !== 'symlink') return undefined;
  const target = node.linkTarget ?? Buffer.alloc(0);
  if (target.length === 0) return 'it is a symbolic link to nothing';
  if (target.includes(0)) return 'it is a symbolic link whose target holds a NUL';
  if (target.length > MAX_LINK_TARGET) return `it is a symbolic link whose target has ${target.length} bytes`;
  return undefined;
}

/** What such a node is called where the target cannot hold it. */
function kindOf(type: NodeType, traits: TargetTraits): string | undefined {
  if (type === 'symlink') return traits.symlinks ? undefined : 'a symbolic link';
  if (type === 'fifo') return traits.pipes ? undefined : 'a named pipe';
  if (type === 'dev' || type === 'chardev') return traits.devices ? undefined : 'a device';
  return undefined;
}

export function fitNode(node: Node, traits: TargetTraits): FittedNode {
  const losses: string[] = [];
  const owner = ownerOf(node, traits, losses);
  const mode = modeOf(node, owner.isKept, traits, losses);
  checkTime(node, traits, losses);
  const extendedAttributes = node.extendedAttributes?.filter((attribute) => isPossible(attribute, traits, losses));
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
    losses.push('owner or group (no user can have this number)');
    return { ...own, isKept: false };
  }
  if (traits.owners === 'kept' || (uid === own.uid && gid === own.gid)) return { uid, gid, isKept: true };
  const why = traits.owners === 'own' ? 'only root can give files to others' : 'the file system has none';
  losses.push(`owner or group (${why})`);
  return { ...own, isKept: false };
}

function modeOf({ type, mode }: Node, isOwnerKept: boolean, traits: TargetTraits, losses: string[]): number {
  if (!traits.permissions && type !== 'symlink') losses.push('permissions (the file system has none)');
  // Set-user-ID without that user would lend out the rights of the restoring user.
  if (isOwnerKept || type === 'dir' || (mode & SET_ID_BITS) === 0) return mode;
  losses.push('set-user-ID and set-group-ID bits (the owner is another one)');
  return mode & ~SET_ID_BITS;
}

function checkTime({ mtime }: Node, { exactTimes, oldest, newest }: TargetTraits, losses: string[]): void {
  if (exactTimes && oldest === undefined && newest === undefined) return;
  const ns = timestampToNs(mtime);
  const isBefore = oldest !== undefined && ns < BigInt(oldest) * BILLION;
  const isAfter = newest !== undefined && ns >= BigInt(newest + 1) * BILLION;
  if (isBefore || isAfter) losses.push('time of modification (the file system cannot hold one so far away)');
  // Two seconds is what the coarsest of them has.
  else if (!exactTimes && ns % (2n * BILLION) !== 0n) losses.push('time of modification (the file system rounds it)');
}

function isPossible({ name, value }: ExtendedAttribute, traits: TargetTraits, losses: string[]): boolean {
  const isAcl = name.startsWith(ACL_PREFIX);
  const why =
    name === '' || name.includes('\0') || !name.includes('.')
      ? 'its name is none that a file can have'
      : value.length > MAX_ATTRIBUTE
        ? 'it is larger than 64 KiB'
        : (isAcl ? traits.acls : traits.attributes)
          ? undefined
          : 'the file system has none';
  if (why === undefined) return true;
  losses.push(`${isAcl ? 'access control list' : 'extended attribute'} (${why})`);
  return false;
}
