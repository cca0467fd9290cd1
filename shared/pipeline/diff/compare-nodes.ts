/** How one name differs on two sides. */
import type { ChangeKind } from '../../domain/diff.ts';
import type { ExtendedAttribute, Node } from '../../repository/node.ts';

export function changeOf(left: Node, right: Node): ChangeKind | undefined {
  if (left.type !== right.type) return 'type';
  if (!sameList(left.content ?? [], right.content ?? [], (one, two) => one === two)) return 'content';
  if (!sameBytes(left.linkTarget, right.linkTarget)) return 'content';
  return sameMetadata(left, right) ? undefined : 'metadata';
}

/**
 * What a person set, or a program for them. Not: inode, device and ctime, which every move to another disk changes;
 * atime; and the number of links, which changes with another name. A folder whose entries changed has a new mtime by
 * that alone, which says nothing more.
 */
function sameMetadata(left: Node, right: Node): boolean {
  const isOtherFolder = left.subtree !== right.subtree;
  return (
    left.mode === right.mode &&
    left.uid === right.uid &&
    left.gid === right.gid &&
    left.user === right.user &&
    left.group === right.group &&
    left.device === right.device &&
    (isOtherFolder || left.mtime === right.mtime) &&
    sameAttributes(left.extendedAttributes ?? [], right.extendedAttributes ?? [])
  );
}

function sameAttributes(left: readonly ExtendedAttribute[], right: readonly ExtendedAttribute[]): boolean {
  const byName = (one: ExtendedAttribute, two: ExtendedAttribute): number => (one.name < two.name ? -1 : 1);
  const isSame = (one: ExtendedAttribute, two: ExtendedAttribute): boolean =>
    one.name === two.name && one.value.equals(two.value);
  return sameList(left.toSorted(byName), right.toSorted(byName), isSame);
}

function sameBytes(left: Buffer | undefined, right: Buffer | undefined): boolean {
  return left === undefined || right === undefined ? left === right : left.equals(right);
}

function sameList<T>(left: readonly T[], right: readonly T[], isSame: (one: T, two: T) => boolean): boolean {
  return left.length === right.length && left.every((item, index) => isSame(item, right[index] as T));
}
