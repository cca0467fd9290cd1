/**
 * A volume that is not mounted is an empty folder, and a backup of that folder a success. Nobody can tell from the host
 * what should be there; what the parent had there says that something was.
 */
import { createHash } from 'node:crypto';
import { displayName } from '../../base/bytes.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { Node } from '../../repository/node.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { parentName } from './parent.ts';

/** The tree of a folder in which nothing is; its id is the same in every repository. */
const EMPTY_TREE = createHash('sha256').update('{"nodes":[]}\n').digest('hex');

const isFullFolder = (node: Node | undefined): boolean =>
  node?.type === 'dir' && node.subtree !== undefined && node.subtree !== EMPTY_TREE;

/** Warns where a folder of the source is empty now and had something in it in the parent. */
export function tellEmptied(
  path: Buffer,
  { before, now }: { readonly before: Node | undefined; readonly now: Node },
  {
    parent,
    host,
    emit,
  }: { readonly parent: RestorePoint | undefined; readonly host: string; readonly emit: EmitEvent },
): void {
  if (parent === undefined || now.type !== 'dir' || now.subtree !== EMPTY_TREE || !isFullFolder(before)) return;
  emit({
    type: 'warning',
    code: 'source.note',
    message: `"${displayName(path)}" on "${host}" is empty, and was not in ${parentName(parent)} before it.`,
    advice: 'See whether what belongs there is mounted; if it is not, mount it and back up again.',
  });
}
