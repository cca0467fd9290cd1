/**
 * How large what is stored is. Trees are read, contents never. A tree that several restore points share is read once,
 * and for the shares of restore points twice at most; what is held is a few bytes for each blob.
 *
 * What is counted are blobs, and a tree is one wherever it lies: so the counters go from id to id by the port, and not
 * from path to path through opened restore points, for which they would have to remember a path with each folder.
 */
import { isStillpointError } from '../base/errors.ts';
import type { ConfiguredNames } from '../domain/known-names.ts';
import { EVERY_POINT } from '../domain/point-filter.ts';
import type { StatsAnswer, StatsRequest } from '../domain/stats.ts';
import { unreadablePoints } from '../domain/unreadable-point.ts';
import type { PointReader } from '../repository/point-reader.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { selectPoints } from './select-points.ts';
import { countShares } from './stats/by-point.ts';
import type { Counter } from './stats/counter.ts';
import { countRawData } from './stats/raw-data.ts';
import { countRestoreSize } from './stats/restore-size.ts';
import { countUniqueFiles } from './stats/unique-files.ts';

/** Restore points before the index, so that what is saved meanwhile is not missed. */
export async function stats(
  repository: PointReader,
  request: StatsRequest,
  configured: ConfiguredNames,
  signal: AbortSignal,
): Promise<StatsAnswer> {
  const { restorePoints, filter } = request;
  const wanted = await selectPoints(repository, { points: restorePoints, filter, configured }, signal);
  // What a restore point holds alone depends on all the others, whichever were asked for.
  const isByPoint = request.mode === 'by-point';
  const counted = isByPoint
    ? await selectPoints(repository, { points: [], filter: EVERY_POINT, configured }, signal)
    : wanted;
  await repository.loadIndex(signal);
  const counter = counterOf(request, repository, wanted.points);
  const unreadable = unreadablePoints(counted.findings);
  for (const point of counted.points) {
    try {
      await counter.add(point, signal);
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      unreadable.push({ restorePoint: point.id, reason: error.message });
    }
  }
  return { stats: counter.result(), unreadable };
}

function counterOf({ mode }: StatsRequest, repository: PointReader, wanted: readonly RestorePoint[]): Counter {
  switch (mode) {
    case 'restore-size':
      return countRestoreSize(repository);
    case 'raw-data':
      return countRawData(repository);
    case 'unique-files':
      return countUniqueFiles(repository);
    case 'by-point':
      return countShares(repository, wanted);
  }
}
