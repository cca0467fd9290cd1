/** The restore point to compare with: the newest of the same source. */
import { isStillpointError } from '../../base/errors.ts';
import { sourceTag } from '../../domain/labels.ts';
import type { Source } from '../../domain/source.ts';
import { isId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import type { Folders } from './reading-sink.ts';

export async function findParent(
  repository: Repository,
  source: Source,
  signal: AbortSignal,
): Promise<RestorePoint | undefined> {
  const { points } = await repository.listRestorePoints(signal);
  const tag = sourceTag(source.name);
  return points.findLast((point) => point.hostname === source.host && (point.tags ?? []).includes(tag));
}

/** For people: "restore point 0a1b2c3d", or the state of a mirror by its name. */
export const parentName = ({ id }: Pick<RestorePoint, 'id'>): string =>
  isId(id) ? `restore point ${id.slice(0, 8)}` : `the state ${id}`;

/** Said by a run whose host could not read all attributes: what is unchanged since would lack them without a word. */
const LACKING = 'attributesMissing';

export const lackingAttributes: Readonly<Record<string, unknown>> = { [LACKING]: true };

export function lacksAttributes({ extra }: RestorePoint): boolean {
  const own = extra?.['stillpoint'];
  return typeof own === 'object' && own !== null && LACKING in own;
}

/**
 * What the parent has at a path. Its root has no node of its own, so one is made that is equal to nothing but leads to
 * what is in it. Where a tree on the way is damaged, the parent has nothing: all is read again, which mends it.
 */
export async function findParentNode(
  folders: Pick<Folders, 'treeByName'>,
  { tree, time }: RestorePoint,
  path: readonly Buffer[],
  signal: AbortSignal,
): Promise<Node | undefined> {
  const never = { mode: -1, uid: -1, gid: -1, mtime: time, atime: time, ctime: time };
  let node: Node | undefined = { name: Buffer.alloc(0), type: 'dir', ...never, subtree: tree };
  try {
    for (const name of path) {
      if (node?.subtree === undefined) return undefined;
      node = (await folders.treeByName(node.subtree, signal))(name);
    }
  } catch (error) {
    if (isStillpointError(error, 'repository.damaged')) return undefined;
    throw error;
  }
  return node;
}
