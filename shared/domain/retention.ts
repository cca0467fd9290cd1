/**
 * Which restore points the keep rules keep, and why: a pure function, so that a plan can be made as often as one likes.
 * The meaning is that of `forget` of restic 0.14, whose program is the judge in the tests:
 *
 * - Points are put into groups (by host and paths, unless told otherwise), and every rule holds in each group alone.
 * - A counted rule goes from the newest to the oldest and keeps the newest point of each hour, day, ISO week, month or
 *   year until it has kept as many as it may. Periods without points do not count.
 * - Lengths of time are reckoned back from the newest point of the group that does not lie in the future.
 * - Hours and days are those of the clock that the point's own time shows.
 * - What any rule keeps is kept.
 *
 * Of points of the same instant one with the tag "repaired" counts as newer than one without, so that a repaired point
 * is not given up for the damaged one, which may itself be a copy; then a copy counts as newer than its original, and
 * others are ordered by their ids. restic leaves it to chance.
 */
import { StillpointError } from '../base/errors.ts';
import { COUNTED_RULES, formatSpan, isEmptyRules, type KeepRules, parseSpan, WITHIN_RULES } from './keep-rules.ts';
import { before, CALENDAR, compareInstants, instantMs, type LocalTime, parseLocalTime } from './local-time.ts';
import { REPAIRED_TAG } from './wholeness.ts';

/** What the rules look at. */
export interface RetentionPoint {
  readonly id: string;
  /** RFC 3339 with its offset. */
  readonly time: string;
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  /** The restore point that it is a repaired or otherwise changed copy of. */
  readonly original?: string | undefined;
}

export const GROUP_KEYS = ['host', 'paths', 'tags'] as const;
export type GroupKey = (typeof GROUP_KEYS)[number];
export const DEFAULT_GROUP_BY: readonly GroupKey[] = ['host', 'paths'];

export interface RetentionGroup<P extends RetentionPoint = RetentionPoint> {
  /** What all points of the group share; absent where it was not grouped by. */
  readonly host: string | undefined;
  readonly paths: readonly string[] | undefined;
  readonly tags: readonly string[] | undefined;
  /** Newest first. */
  readonly decisions: readonly Decision<P>[];
}

interface Decision<P extends RetentionPoint = RetentionPoint> {
  readonly point: P;
  /** Every rule that keeps it, such as "daily" or "weekly within 3m"; empty for a point that is forgotten. */
  readonly keptBy: readonly string[];
}

interface Timed<P> {
  readonly point: P;
  readonly time: LocalTime;
}

/** One rule at its way through a group; it remembers what it kept last. */
type Keeper = (entry: Timed<RetentionPoint>) => string | undefined;

/** @param now points after it are kept or forgotten like others, but lengths of time are not reckoned from them */
export function applyKeepRules<P extends RetentionPoint>(
  points: readonly P[],
  rules: KeepRules,
  groupBy: readonly GroupKey[],
  now: Date,
): RetentionGroup<P>[] {
  if (isEmptyRules(rules)) throw noRules();
  const groups = new Map<string, P[]>();
  for (const point of points) {
    const key = JSON.stringify(sharedBy(point, groupBy));
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, group]) => decide(group));

  function decide(group: readonly P[]): RetentionGroup<P> {
    const timed = group.map((point): Timed<P> => ({ point, time: parseLocalTime(point.time) })).toSorted(newestFirst);
    const keepers = keepersOf(rules, latestOf(timed, now));
    const decisions = timed.map((entry) => ({
      point: entry.point,
      keptBy: keepers.map((keeper) => keeper(entry)).filter((reason) => reason !== undefined),
    }));
    return { ...sharedBy(group[0] as P, groupBy), decisions };
  }
}

function sharedBy(
  { hostname, paths, tags }: RetentionPoint,
  groupBy: readonly GroupKey[],
): Pick<RetentionGroup, 'host' | 'paths' | 'tags'> {
  return {
    host: groupBy.includes('host') ? hostname : undefined,
    paths: groupBy.includes('paths') ? paths.toSorted() : undefined,
    tags: groupBy.includes('tags') ? tags.toSorted() : undefined,
  };
}

function newestFirst(left: Timed<RetentionPoint>, right: Timed<RetentionPoint>): number {
  return (
    compareInstants(right.time, left.time) ||
    Number(isRepaired(right.point)) - Number(isRepaired(left.point)) ||
    Number(right.point.original !== undefined) - Number(left.point.original !== undefined) ||
    (left.point.id < right.point.id ? -1 : 1)
  );
}

function isRepaired({ tags }: RetentionPoint): boolean {
  return tags.includes(REPAIRED_TAG);
}

function latestOf(timed: readonly Timed<RetentionPoint>[], now: Date): LocalTime | undefined {
  return timed.find(({ time }) => instantMs(time) < now.getTime())?.time;
}

function keepersOf(rules: KeepRules, latest: LocalTime | undefined): Keeper[] {
  const keepers: Keeper[] = (rules.tags ?? []).map(
    (wanted) =>
      ({ point }) =>
        hasTags(point, wanted) ? `tags ${wanted.join(', ')}` : undefined,
  );
  keepers.push(...withinKeepers(rules, latest, ['within']));
  for (const rule of COUNTED_RULES) {
    const count = rules[rule] ?? 0;
    if (count !== 0) keepers.push(countKeeper(rule, count === 'unlimited' ? Number.POSITIVE_INFINITY : count));
  }
  const periodic = (Object.keys(WITHIN_RULES) as (keyof typeof WITHIN_RULES)[]).filter((rule) => rule !== 'within');
  keepers.push(...withinKeepers(rules, latest, periodic));
  return keepers;
}

/** As restic's: an empty tag is had by points without any tag. */
function hasTags({ tags }: RetentionPoint, wanted: readonly string[]): boolean {
  return wanted.every((tag) => (tag === '' && tags.length === 0) || tags.includes(tag));
}

function countKeeper(rule: (typeof COUNTED_RULES)[number], count: number): Keeper {
  let left = count;
  let last: string | undefined;
  return ({ point, time }) => {
    if (left === 0) return undefined;
    const period = rule === 'last' ? point.id : CALENDAR[rule](time);
    if (period === last) return undefined;
    last = period;
    left -= 1;
    return rule;
  };
}

function withinKeepers(
  rules: KeepRules,
  latest: LocalTime | undefined,
  names: readonly (keyof typeof WITHIN_RULES)[],
): Keeper[] {
  return names.flatMap((name) => {
    const span = rules[name] === undefined ? undefined : parseSpan(rules[name]);
    const text = span === undefined ? '' : formatSpan(span);
    if (span === undefined || text === '') return [];
    // Where all points lie in the future there is nothing to reckon from, and all are kept.
    const start = latest === undefined ? undefined : before(latest, span);
    const rule = WITHIN_RULES[name];
    let last: string | undefined;
    return [
      ({ time }) => {
        if (start !== undefined && compareInstants(time, start) <= 0) return undefined;
        if (rule === undefined) return `within ${text}`;
        const period = CALENDAR[rule](time);
        if (period === last) return undefined;
        last = period;
        return `${rule} within ${text}`;
      },
    ];
  });
}

function noRules(): StillpointError {
  return new StillpointError('usage.invalid', 'No keep rule is given, so nothing says what is to be kept.', {
    advice: 'Nothing was forgotten. Give at least one rule, such as --keep-daily 7.',
    cause: undefined,
  });
}
