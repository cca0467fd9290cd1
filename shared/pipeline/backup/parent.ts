/** The restore point to compare with: the newest of the same source. */
import type { Source } from '../../domain/source.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { sourceTag } from '../labels.ts';

export async function findParent(
  repository: Repository,
  source: Source,
  signal: AbortSignal,
): Promise<RestorePoint | undefined> {
  const { points } = await repository.listRestorePoints(signal);
  const tag = sourceTag(source.name);
  return points.findLast((point) => point.hostname === source.host && (point.tags ?? []).includes(tag));
}
