/**
 * Which restore points the keep rules keep, and why: a pure function, so that a plan can be made as often as one likes.
 * The meaning is that of `forget` of restic since 0.16, whose newest program is the judge in the tests:
 *
 * - Points are put into groups (by default by host and paths), and every rule holds in each group alone.
 * - A counted rule goes from the newest to the oldest and keeps the newest point of each hour, day, ISO week, month or
 *   year until it has kept as many as it may. Periods without points do not count. While it may keep more, it also keeps
 *   the oldest point of the group, so that a young history is not cut short.
 * - Lengths of time are reckoned back from the newest point of the group that does not lie in the future. Within one,
 *   the oldest point of the group stays too.
 * - Hours and days are those of the clock that the point's own time shows.
 * - What any rule keeps is kept.
 *
 * One thing is not restic's: a point whose time is in doubt (see `point-order.ts`) is set aside. No rule counts it, so
 * it pushes out nothing; and none gives it up, because that would need its time. Fewer points that count never make a
 * rule keep fewer of the others, so setting aside too many is safe.
 */
import { StillpointError } from '../base/errors.ts';
import { COUNTED_RULES, formatSpan, isEmptyRules, type KeepRules, parseSpan, WITHIN_RULES } from './keep-rules.ts';
import { before, CALENDAR, compareInstants, instantMs, type LocalTime, parseLocalTime } from './local-time.ts';
import { compareAges } from './point-order.ts';

/** What the rules look at. */
export interface RetentionPoint {
  readonly id: string;
  /** RFC 3339 with its offset. */
  readonly time: string;
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  /** See `PointInTime`: of points of one instant the copies count as newer. */
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

export interface Decision<P extends RetentionPoint = RetentionPoint> {
  readonly point: P;
  /** Every rule that keeps it, such as "daily", "oldest weekly" or "weekly within 3m". */
  readonly keptBy: readonly string[];
  /** No rule looked at it, because its time is in doubt. It stays. */
  readonly isSetAside: boolean;
}

interface Timed<P> {
  readonly point: P;
  readonly time: LocalTime;
  /** Of its group, among those that count. */
  readonly isOldest: boolean;
}

/** One rule at its way through a group; it remembers what it kept last. */
type Keeper = (entry: Timed<RetentionPoint>) => string | undefined;

export interface RetentionFrame {
  readonly groupBy: readonly GroupKey[];
  /** Lengths of time are not reckoned from points after it. */
  readonly now: Date;
  /** Ids of points whose time is in doubt. */
  readonly setAside: { has(id: string): boolean };
}

export function applyKeepRules<P extends RetentionPoint>(
  points: readonly P[],
  rules: KeepRules,
  { groupBy, now, setAside }: RetentionFrame,
): RetentionGroup<P>[] {
  if (isEmptyRules(rules)) throw noRules();
  const groups = new Map<string, P[]>();
  for (const point of points) {
    const key = JSON.stringify(sharedBy(point, groupBy));
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, group]) => decide(group));

  function decide(group: readonly P[]): RetentionGroup<P> {
    const ordered = group.toSorted((left, right) => compareAges(right, left));
    const oldest = ordered.findLast(({ id }) => !setAside.has(id));
    const timed = ordered.map(
      (point): Timed<P> => ({ point, time: parseLocalTime(point.time), isOldest: point === oldest }),
    );
    const keepers = keepersOf(
      rules,
      latestOf(
        timed.filter(({ point }) => !setAside.has(point.id)),
        now,
      ),
    );
    const decisions = timed.map((entry) => {
      const isSetAside = setAside.has(entry.point.id);
      const reasons = isSetAside ? [] : keepers.map((keeper) => keeper(entry));
      return { point: entry.point, isSetAside, keptBy: reasons.filter((reason) => reason !== undefined) };
    });
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
  const isNew = eachPeriodOnce(rule);
  return (entry) => {
    if (left === 0) return undefined;
    const reason = isNew(entry) ? rule : entry.isOldest ? `oldest ${rule}` : undefined;
    if (reason !== undefined) left -= 1;
    return reason;
  };
}

/** Whether an entry is the first of its period on the way from the newest to the oldest. */
function eachPeriodOnce(rule: (typeof COUNTED_RULES)[number]): (entry: Timed<RetentionPoint>) => boolean {
  let last: string | undefined;
  return ({ point, time }) => {
    const period = rule === 'last' ? point.id : CALENDAR[rule](time);
    const isNew = period !== last;
    last = period;
    return isNew;
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
    const isNew = rule === undefined ? undefined : eachPeriodOnce(rule);
    return [
      (entry) => {
        if (start !== undefined && compareInstants(entry.time, start) <= 0) return undefined;
        if (isNew === undefined) return `within ${text}`;
        if (isNew(entry)) return `${rule} within ${text}`;
        return entry.isOldest ? `oldest ${rule} within ${text}` : undefined;
      },
    ];
  });
}

function noRules(): StillpointError {
  return new StillpointError('usage.invalid', 'No keep rule is given, so nothing says what is to be kept.', {
    advice: 'Give at least one rule, such as --keep-daily 7.',
    cause: undefined,
  });
}
