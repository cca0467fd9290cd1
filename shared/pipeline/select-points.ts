/** From what a person named to restore points: ids, starts of ids and "latest", or a filter over all of them. */
import { StillpointError } from '../base/errors.ts';
import type { Finding } from '../domain/finding.ts';
import { type ConfiguredNames, refuseUnknownNames } from '../domain/known-names.ts';
import { describeFilter, fitsAll, fitsFilter, misfit, type PointFilter } from '../domain/point-filter.ts';
import type { PointReader, RestorePointList } from '../repository/point-reader.ts';
import type { RestorePoint } from '../repository/restore-point.ts';

export interface PointSelection {
  /** None means all that fit the filter. */
  readonly points: readonly string[];
  readonly filter: PointFilter;
  /** What a filter may name although no restore point bears it. */
  readonly configured: ConfiguredNames;
}

export interface SelectedPoints {
  /** Oldest first, each once. */
  readonly points: readonly RestorePoint[];
  /** Restore points that cannot be read, and so cannot be judged; none where all were named. */
  readonly findings: readonly Finding[];
}

type PointSource = Pick<PointReader, 'listRestorePoints' | 'findRestorePoint' | 'title'>;

/** Errors: `repository.unknown-point`, `repository.ambiguous-point`, `usage.unknown-name`, `usage.invalid` for a misfit. */
export async function selectPoints(
  repository: PointSource,
  { points: named, filter, configured }: PointSelection,
  signal: AbortSignal,
): Promise<SelectedPoints> {
  if (named.length === 0) {
    const list = await repository.listRestorePoints(signal);
    refuseUnknown(list, filter, configured);
    return { points: list.points.filter((point) => fitsFilter(point, filter)), findings: list.findings };
  }
  const found = new Set<string>();
  const points: RestorePoint[] = [];
  for (const wanted of named) {
    const point = await findPoint(repository, wanted, { filter, configured }, signal);
    if (!found.has(point.id)) points.push(point);
    found.add(point.id);
  }
  if (points.length < 2) return { points, findings: [] };
  // Their order is known from all of them.
  const { points: all } = await repository.listRestorePoints(signal);
  const places = new Map(all.map(({ id }, index) => [id, index]));
  const placeOf = ({ id }: RestorePoint): number => places.get(id) ?? all.length;
  return { points: points.toSorted((left, right) => placeOf(left) - placeOf(right)), findings: [] };
}

/** One by its id or the start of it, which then has to fit the filter, or the latest that fits. */
export async function findPoint(
  repository: PointSource,
  wanted: string,
  { filter, configured }: Pick<PointSelection, 'filter' | 'configured'>,
  signal: AbortSignal,
): Promise<RestorePoint> {
  // Also for the latest that fits: one that cannot be read may be it.
  const found = await repository.findRestorePoint(wanted, signal);
  if (fitsAll(filter)) return found;
  if (wanted !== 'latest') {
    if (fitsFilter(found, filter)) return found;
    throw misfit(found, filter);
  }
  const list = await repository.listRestorePoints(signal);
  refuseUnknown(list, filter, configured);
  const latest = list.points.findLast((point) => fitsFilter(point, filter));
  if (latest !== undefined) return latest;
  throw new StillpointError(
    'repository.unknown-point',
    `The ${repository.title} holds no restore point ${describeFilter(filter)}.`,
    { advice: 'List the restore points to see what there is.', cause: undefined },
  );
}

/** What cannot be read may bear any name. */
export function refuseUnknown(
  { points, findings }: RestorePointList,
  filter: PointFilter,
  configured: ConfiguredNames,
): void {
  if (findings.length === 0) refuseUnknownNames(filter, points, configured);
}
