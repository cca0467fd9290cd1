/** From what a person named to restore points: ids, starts of ids and "latest", or a filter over all of them. */
import { fitsFilter, type PointFilter } from '../domain/point-filter.ts';
import type { Finding } from '../domain/report.ts';
import { timestampToNs } from '../repository/format/timestamp.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { RestorePoint } from '../repository/restore-point.ts';

export interface PointSelection {
  /** None means all that fit the filter. */
  readonly points: readonly string[];
  readonly filter: PointFilter;
}

export interface SelectedPoints {
  /** Oldest first, each once. */
  readonly points: readonly RestorePoint[];
  /** Restore points that cannot be read, and so cannot be judged; none where all were named. */
  readonly findings: readonly Finding[];
}

/** Errors: `repository.unknown-point`, `repository.ambiguous-point`. */
export async function selectPoints(
  repository: OpenedRepository,
  { points: named, filter }: PointSelection,
  signal: AbortSignal,
): Promise<SelectedPoints> {
  if (named.length === 0) {
    const { points, findings } = await repository.listRestorePoints(signal);
    return { points: points.filter((point) => fitsFilter(point, filter)), findings };
  }
  const found = new Map<string, RestorePoint>();
  for (const wanted of named) {
    const point = await repository.findRestorePoint(wanted, signal);
    if (fitsFilter(point, filter)) found.set(point.id, point);
  }
  return { points: [...found.values()].toSorted(byTime), findings: [] };
}

function byTime(left: RestorePoint, right: RestorePoint): number {
  return timestampToNs(left.time) < timestampToNs(right.time) ? -1 : 1;
}
