/**
 * Which restore point is meant, where several repositories have one that could be. A copy is as good as what it was
 * copied from, but the repository that the source is backed up to is the nearer one, and nobody who has an offsite copy
 * means that one. So of the same restore point that in the source's own repository is taken, and what was taken is said.
 */
import { StillpointError } from '../base/errors.ts';
import { readLabels } from '../domain/labels.ts';
import { describeFilter, fitsAll, fitsFilter, misfit, type PointFilter } from '../domain/point-filter.ts';
import { orderPoints } from '../domain/point-order.ts';
import type { PointNote } from '../domain/restore-point.ts';
import type { RepositorySpec, Source } from '../domain/source.ts';
import { isSamePoint } from '../pipeline/copy/recognise.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { timestampToDate } from '../repository/timestamp.ts';
import type { Unavailable } from './ask-repositories.ts';

/** In which repository it is. */
export interface PlacedPoint extends RestorePoint {
  readonly spec: RepositorySpec;
}

export interface Chosen {
  readonly point: PlacedPoint;
  readonly notes: readonly PointNote[];
}

export interface Asked {
  readonly specs: readonly RepositorySpec[];
  readonly filter: PointFilter;
  readonly sources: readonly Source[];
}

export const placed = (points: readonly RestorePoint[], spec: RepositorySpec): PlacedPoint[] =>
  points.map((point) => ({ ...point, spec }));

/**
 * Whether backups bring restore points that fit into this repository, or may do so for all that the configuration says.
 * Into any other they come as copies, so the latest can be determined without it.
 */
export function mayGetTheLatest({ name }: RepositorySpec, { filter, sources }: Asked): boolean {
  const { sources: named, hostnames } = filter;
  const fitting = sources.filter(
    (source) =>
      (named.length === 0 || named.includes(source.name)) &&
      (hostnames.length === 0 || hostnames.includes(source.host)),
  );
  const areKnown =
    named.length === 0 ? fitting.length > 0 : named.every((one) => sources.some((source) => source.name === one));
  return !areKnown || fitting.some(({ repository }) => repository === name);
}

/** @param points all that could be read, whether they fit or not: they tell the order of the others. */
export function chooseLatest(points: readonly PlacedPoint[], asked: Asked, now: Date): Chosen | undefined {
  const latest = orderPoints(points, now).points.findLast((point) => fitsFilter(point, asked.filter));
  if (latest === undefined) return undefined;
  const same = points.filter((point) => isSamePoint(point, latest));
  const point = nearest(same, asked.sources) ?? latest;
  if (asked.specs.length === 1) return { point, notes: [] };
  const time = timestampToDate(point.time).toISOString();
  const copies = [...new Set(same.map(({ spec }) => spec.name))].filter((name) => name !== point.spec.name);
  const also = copies.length === 0 ? '' : ` ${quoted(copies, ' and ')} ${copies.length === 1 ? 'has' : 'have'} it too.`;
  const message = `The latest restore point is ${point.id.slice(0, 8)} of ${time}, in the repository "${point.spec.name}".${also}`;
  return { point, notes: [{ severity: 'information', message }] };
}

/** @param found what `wanted` is the id of, or the start of it */
export function chooseNamed(found: readonly PlacedPoint[], wanted: string, { filter, sources }: Asked): PlacedPoint {
  const fitting = found.filter((point) => fitsFilter(point, filter));
  const [first] = fitting;
  const point = nearest(fitting, sources);
  if (first === undefined || point === undefined) throw misfit(found[0] as PlacedPoint, filter);
  if (fitting.every((other) => other.id === first.id || isSamePoint(other, first))) return point;
  throw new StillpointError('repository.ambiguous-point', `"${wanted}" fits restore points of several repositories.`, {
    advice: `Name the repository: ${quoted(
      fitting.map(({ spec }) => spec.name),
      ' or ',
    )}.`,
    details: { matches: fitting.map(({ spec, id }) => ({ repository: spec.name, id })) },
    cause: undefined,
  });
}

/** That in the repository of its source, else the one that is not a copy, else the first. */
function nearest(same: readonly PlacedPoint[], sources: readonly Source[]): PlacedPoint | undefined {
  const isAtHome = ({ tags = [], spec }: PlacedPoint): boolean => {
    const { source } = readLabels(tags);
    return sources.some(({ name, repository }) => name === source && repository === spec.name);
  };
  return same.find(isAtHome) ?? same.find(({ original }) => original === undefined) ?? same[0];
}

/** Nothing was found, and all were asked. */
export function unknownPoint(wanted: string, { specs, filter }: Asked): StillpointError {
  const names = quoted(
    specs.map(({ name }) => name),
    ', ',
  );
  const which = wanted !== 'latest' ? ` "${wanted}"` : fitsAll(filter) ? '' : ` ${describeFilter(filter)}`;
  const message =
    specs.length === 1
      ? `The repository ${names} holds no restore point${which}.`
      : `None of the repositories ${names} holds a restore point${which}.`;
  return new StillpointError('repository.unknown-point', message, {
    advice: wanted === 'latest' && fitsAll(filter) ? 'Back up first.' : 'List the restore points to see their ids.',
    details: { wanted, repositories: specs.map(({ name }) => name) },
    cause: undefined,
  });
}

/** Nothing was found, and some could not be asked: it may be there. */
export function notFoundElsewhere(wanted: string, missing: readonly Unavailable[], asked: Asked): StillpointError {
  const others = asked.specs.filter((spec) => missing.every((one) => one.spec !== spec)).map(({ name }) => name);
  const fitting = fitsAll(asked.filter) ? '' : ` ${describeFilter(asked.filter)}`;
  const what = wanted === 'latest' ? `A restore point${fitting}` : `Restore point "${wanted}"`;
  const here = others.length === 0 ? `${what} was not found:` : `${what} is not in ${quoted(others, ' or ')}, and`;
  // None of the others has it, so naming one of them would not help
  return blockedBy(missing, [], `${here} ${reasonsOf(missing)}`);
}

/**
 * One of the repositories that could not be asked may hold it.
 * @param decisive those of `missing` that may
 * @param points what the others hold
 */
export function latestUnknown(
  decisive: readonly Unavailable[],
  missing: readonly Unavailable[],
  { specs, filter }: Asked,
  points: readonly PlacedPoint[],
): StillpointError {
  const read = specs.filter((spec) => missing.every((one) => one.spec !== spec));
  const full = read.filter((spec) => points.some((point) => point.spec === spec && fitsFilter(point, filter)));
  const empty = namesOf(read.filter((spec) => !full.includes(spec)));
  const which = fitsAll(filter) ? '' : ` ${describeFilter(filter)}`;
  const verb = empty.length === 1 ? 'holds' : 'hold';
  const none = empty.length === 0 ? '' : ` ${quoted(empty, ' and ')} could be read and ${verb} none${which}.`;
  const message = `Which restore point is the latest cannot be determined: ${reasonsOf(decisive)}${none}`;
  return blockedBy(decisive, namesOf(full), message);
}

const namesOf = (specs: readonly RepositorySpec[]): readonly string[] => specs.map(({ name }) => name);

/** @param others the repositories that may be asked without those that are missing */
function blockedBy(missing: readonly Unavailable[], others: readonly string[], message: string): StillpointError {
  const [first] = missing;
  const without =
    others.length === 0
      ? ''
      : ` To do without, name the repository ${quoted(others, ' or ')}, or a restore point by its id.`;
  return new StillpointError(first?.error.code ?? 'repository.unknown-point', message, {
    advice: `${first?.error.advice ?? ''}${without}`,
    details: { ...first?.error.details, unavailable: missing.map(({ spec }) => spec.name) },
    cause: first?.error,
    ...(first === undefined ? {} : { retry: first.error.retry }),
  });
}

const reasonsOf = (missing: readonly Unavailable[]): string =>
  missing
    .map((one) => `the repository "${one.spec.name}" could not be ${verbOf(one)}: ${one.error.message}`)
    .join(' Also, ');

const verbOf = ({ isPartly = false }: Unavailable): string => (isPartly ? 'read in full' : 'asked');

/** A full id names one restore point at most. */
const FULL_ID = /^[0-9a-f]{64}$/i;

/** What the answer of the others leaves open. */
export function notesOn(missing: readonly Unavailable[], wanted: string): readonly PointNote[] {
  const open =
    wanted === 'latest' || FULL_ID.test(wanted)
      ? ''
      : `, so it may have another restore point that begins with "${wanted}"`;
  return missing.map((one) => ({
    severity: 'warning',
    message: `The repository "${one.spec.name}" could not be ${verbOf(one)}${open}: ${one.error.message}`,
  }));
}

/** Of one that somebody would have to open for a copy. */
export const notAsked = ({ name }: RepositorySpec): PointNote => ({
  severity: 'information',
  message: `The repository "${name}" was not asked: its password would have to be typed, and no source that fits is backed up to it.`,
});

const quoted = (names: readonly string[], joint: string): string => names.map((name) => `"${name}"`).join(joint);
