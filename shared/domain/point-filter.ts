/** Which restore points are meant, said as restic says it. An empty list asks for nothing. */
import type { RestorePointSummary } from './restore-point.ts';

export interface PointFilter {
  /** Any of these hosts. */
  readonly hostnames: readonly string[];
  /** All tags of any of these lists; an empty text stands for a restore point without tags. */
  readonly tags: readonly (readonly string[])[];
  /** All of these paths. */
  readonly paths: readonly string[];
}

export const EVERY_POINT: PointFilter = { hostnames: [], tags: [], paths: [] };

type FilteredFacts = Partial<Pick<RestorePointSummary, 'hostname' | 'tags'>> & Pick<RestorePointSummary, 'paths'>;

export function fitsFilter({ hostname = '', tags = [], paths }: FilteredFacts, filter: PointFilter): boolean {
  const hasAll = (wanted: readonly string[]): boolean =>
    wanted.every((tag) => (tag === '' ? tags.length === 0 : tags.includes(tag)));
  return (
    (filter.hostnames.length === 0 || filter.hostnames.includes(hostname)) &&
    (filter.tags.length === 0 || filter.tags.some(hasAll)) &&
    filter.paths.every((path) => paths.includes(path))
  );
}
