/** Which restore points are meant, said as restic says it, and by their source. An empty list asks for nothing. */
import { StillpointError } from '../base/errors.ts';
import { readLabels } from './labels.ts';

export interface PointFilter {
  /** Any of these sources. */
  readonly sources: readonly string[];
  /** Any of these hosts. */
  readonly hostnames: readonly string[];
  /** All tags of any of these lists; an empty text means a restore point without tags. */
  readonly tags: readonly (readonly string[])[];
  /** All of these paths. */
  readonly paths: readonly string[];
}

export const EVERY_POINT: PointFilter = { sources: [], hostnames: [], tags: [], paths: [] };

/** What a filter goes by. */
export interface FilteredFacts {
  readonly hostname?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly paths: readonly string[];
}

export function fitsAll({ sources, hostnames, tags, paths }: PointFilter): boolean {
  return sources.length + hostnames.length + tags.length + paths.length === 0;
}

export function fitsFilter(point: FilteredFacts, filter: PointFilter): boolean {
  return misfitsOf(point, filter).length === 0;
}

/** "of the source "shop" and of the host "db1"", to stand after "restore point"; of a filter that fits all, nothing. */
export function describeFilter({ sources, hostnames, tags, paths }: PointFilter): string {
  const parts = [
    ...(sources.length === 0 ? [] : [ofSources(sources)]),
    ...(hostnames.length === 0 ? [] : [ofHosts(hostnames)]),
    ...(tags.length === 0 ? [] : [withTags(tags)]),
    ...(paths.length === 0 ? [] : [ofPaths(paths)]),
  ];
  return parts.join(' and ');
}

/** For a restore point that a person named beside a filter which it does not fit. */
export function misfit(point: FilteredFacts & { readonly id: string }, filter: PointFilter): StillpointError {
  const mismatches = misfitsOf(point, filter);
  const is = mismatches.map((each) => each.is).join(' and ');
  const asked = mismatches.map((each) => each.asked).join(' and ');
  return new StillpointError('usage.invalid', `Restore point ${point.id.slice(0, 8)} is ${is}, not ${asked}.`, {
    advice: 'Leave out what does not fit, or name another restore point; a list of them shows their sources and hosts.',
    details: { restorePoint: point.id },
    cause: undefined,
  });
}

interface Misfit {
  readonly asked: string;
  readonly is: string;
}

function misfitsOf({ hostname = '', tags = [], paths }: FilteredFacts, filter: PointFilter): readonly Misfit[] {
  const mismatches: Misfit[] = [];
  const { source } = readLabels(tags);
  if (filter.sources.length > 0 && (source === undefined || !filter.sources.includes(source))) {
    mismatches.push({
      asked: ofSources(filter.sources),
      is: source === undefined ? 'of no source' : ofSources([source]),
    });
  }
  if (filter.hostnames.length > 0 && !filter.hostnames.includes(hostname)) {
    mismatches.push({ asked: ofHosts(filter.hostnames), is: ofHosts([hostname]) });
  }
  const hasAll = (wanted: readonly string[]): boolean =>
    wanted.every((tag) => (tag === '' ? tags.length === 0 : tags.includes(tag)));
  if (filter.tags.length > 0 && !filter.tags.some(hasAll)) {
    mismatches.push({ asked: withTags(filter.tags), is: withTags([tags]) });
  }
  if (!filter.paths.every((path) => paths.includes(path))) {
    mismatches.push({ asked: ofPaths(filter.paths), is: ofPaths(paths) });
  }
  return mismatches;
}

const quoted = (names: readonly string[], joint: string): string => names.map((name) => `"${name}"`).join(joint);
const many = (one: string, names: readonly string[]): string => (names.length === 1 ? one : `${one}s`);

const ofSources = (names: readonly string[]): string => `of the ${many('source', names)} ${quoted(names, ' or ')}`;
const ofHosts = (names: readonly string[]): string => `of the ${many('host', names)} ${quoted(names, ' or ')}`;
const ofPaths = (paths: readonly string[]): string => `of the ${many('path', paths)} ${quoted(paths, ' and ')}`;

function withTags(lists: readonly (readonly string[])[]): string {
  const words = lists.map((tags) =>
    tags.every((tag) => tag === '') ? 'without tags' : `tagged ${quoted(tags, ' and ')}`,
  );
  return words.join(' or ');
}
