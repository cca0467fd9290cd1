/** The entry at a path below a tree that may be the top of no restore point. */
import { OpenedPoint } from '../../shared/pipeline/open-point.ts';
import type { BlobId } from '../../shared/repository/ids.ts';
import type { Node } from '../../shared/repository/node.ts';
import type { PointReader } from '../../shared/repository/point-reader.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';

export async function findNode(
  repository: PointReader,
  tree: BlobId,
  path: readonly Buffer[],
  signal: AbortSignal,
): Promise<Node | undefined> {
  const point = { id: 'none', tree } as unknown as RestorePoint;
  return (await new OpenedPoint(repository, point).stat(path, signal)).node;
}
