/**
 * In which order restore points were made, by evidence and not by belief. A restore point's time is what some clock
 * showed, and clocks are wrong: a time that lies in the future orders nothing. What a restore point names as its parent
 * was there when it was made, whatever their times say; so it is newer, and if its time is the earlier one by more than
 * clocks may differ, one of the two times is wrong, and it is unknown which.
 *
 * A holder of a key can write any time and name any parent. But naming a parent proves no more than it claims: that
 * the one was made after the other.
 */
import { compareInstants, instantMs, type LocalTime, parseLocalTime } from './local-time.ts';
import { REPAIRED_TAG } from './wholeness.ts';

/** So far the clocks of machines that are set right may be apart. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

export interface PointInTime {
  readonly id: string;
  /** RFC 3339 with its offset. */
  readonly time: string;
  /** What was the newest of its kind when it was made. */
  readonly parent?: string | undefined;
  /** The restore point that it is a repaired or otherwise changed copy of. */
  readonly original?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

export type TimeDoubt =
  /** It lies in the future of the clock of this machine. */
  | { readonly kind: 'future' }
  /** It is earlier than that of `other`, which was there before. */
  | { readonly kind: 'before-ancestor'; readonly other: string }
  /** It is later than that of `other`, which was made after it. */
  | { readonly kind: 'after-descendant'; readonly other: string };

/** Half a sentence, as in "not counted: its time …". */
export function describeDoubt(doubt: TimeDoubt): string {
  switch (doubt.kind) {
    case 'future':
      return "its time lies in the future of this machine's clock";
    case 'before-ancestor':
      return `its time is earlier than that of ${doubt.other.slice(0, 8)}, which was there before it`;
    case 'after-descendant':
      return `its time is later than that of ${doubt.other.slice(0, 8)}, which was made after it`;
  }
}

export interface PointOrder<P extends PointInTime> {
  /** Oldest first. */
  readonly points: readonly P[];
  /** By id: those whose time cannot be believed. */
  readonly doubts: ReadonlyMap<string, TimeDoubt>;
}

interface Place<P> {
  readonly point: P;
  readonly time: LocalTime;
  readonly ms: number;
  readonly isFuture: boolean;
  /** The nearest that it is newer than, which is here too. */
  readonly parent: Place<P> | undefined;
  /** How many are above it. */
  depth: number;
  /** Not before this was it made: the latest of its own time and those of all above it that are not in the future. */
  notBefore: number;
  latestAbove: Place<P> | undefined;
  earliestBelow: Place<P> | undefined;
}

export function orderPoints<P extends PointInTime>(points: readonly P[], now: Date): PointOrder<P> {
  const places = placesOf(points, now.getTime() + CLOCK_TOLERANCE_MS);
  const downwards = places.toSorted((left, right) => left.depth - right.depth);
  for (const place of downwards) lookAbove(place);
  for (const place of downwards.toReversed()) lookBelow(place);
  const doubts = new Map<string, TimeDoubt>();
  for (const place of places) {
    const doubt = doubtOf(place);
    if (doubt !== undefined) doubts.set(place.point.id, doubt);
  }
  return { points: places.toSorted(oldestFirst).map(({ point }) => point), doubts };
}

function placesOf<P extends PointInTime>(points: readonly P[], latestMs: number): Place<P>[] {
  const byId = new Map(points.map((point) => [point.id, point]));
  // A copy counts for its original where that is gone, as after a repair.
  const byOriginal = new Map(
    points.flatMap((point) => (point.original === undefined ? [] : [[point.original, point]])),
  );
  const places = new Map<P, Place<P>>();
  const parentOf = (point: P): P | undefined => {
    const parent = point.parent ?? byId.get(point.original ?? '')?.parent;
    if (parent === undefined) return undefined;
    const found = byId.get(parent) ?? byOriginal.get(parent);
    return found === point ? undefined : found;
  };
  for (const point of points) {
    // Parents first, without recursion: a history may be a hundred thousand long. A circle ends where it closes.
    const way = new Set<P>();
    for (let at: P | undefined = point; at !== undefined && !places.has(at) && !way.has(at); at = parentOf(at))
      way.add(at);
    for (const one of [...way].toReversed()) {
      const above = parentOf(one);
      const parent = above && places.get(above);
      const time = parseLocalTime(one.time);
      const ms = instantMs(time) + time.nanos / 1e6;
      const depth = parent === undefined ? 0 : parent.depth + 1;
      const isFuture = ms > latestMs;
      const facts = { point: one, time, ms, isFuture, parent, depth };
      places.set(one, {
        ...facts,
        notBefore: Number.NEGATIVE_INFINITY,
        latestAbove: undefined,
        earliestBelow: undefined,
      });
    }
  }
  return [...places.values()];
}

function lookAbove<P>(place: Place<P>): void {
  const { parent } = place;
  const above = parent?.latestAbove;
  place.latestAbove =
    parent !== undefined && !parent.isFuture && (above === undefined || parent.ms > above.ms) ? parent : above;
  const own = place.isFuture ? Number.NEGATIVE_INFINITY : place.ms;
  place.notBefore = Math.max(own, parent?.notBefore ?? Number.NEGATIVE_INFINITY);
}

function lookBelow<P>(place: Place<P>): void {
  const { parent, earliestBelow } = place;
  const earliest = earliestBelow !== undefined && earliestBelow.ms < place.ms ? earliestBelow : place;
  if (parent === undefined) return;
  if (parent.earliestBelow === undefined || earliest.ms < parent.earliestBelow.ms) parent.earliestBelow = earliest;
}

function doubtOf<P extends PointInTime>({ isFuture, ms, latestAbove, earliestBelow }: Place<P>): TimeDoubt | undefined {
  if (isFuture) return { kind: 'future' };
  if (latestAbove !== undefined && ms < latestAbove.ms - CLOCK_TOLERANCE_MS) {
    return { kind: 'before-ancestor', other: latestAbove.point.id };
  }
  if (earliestBelow !== undefined && ms > earliestBelow.ms + CLOCK_TOLERANCE_MS) {
    return { kind: 'after-descendant', other: earliestBelow.point.id };
  }
  return undefined;
}

/**
 * Of one instant, a repaired copy counts as newer than the damaged restore point, and any copy as newer than its
 * original.
 */
export function compareAges<P extends PointInTime>(left: P, right: P): number {
  return (
    compareInstants(parseLocalTime(left.time), parseLocalTime(right.time)) ||
    Number(isRepaired(left)) - Number(isRepaired(right)) ||
    Number(left.original !== undefined) - Number(right.original !== undefined) ||
    (left.id < right.id ? 1 : -1)
  );
}

function isRepaired({ tags }: PointInTime): boolean {
  return tags?.includes(REPAIRED_TAG) === true;
}

function oldestFirst<P extends PointInTime>(left: Place<P>, right: Place<P>): number {
  if (left.notBefore !== right.notBefore) return left.notBefore < right.notBefore ? -1 : 1;
  return left.depth - right.depth || compareAges(left.point, right.point);
}
