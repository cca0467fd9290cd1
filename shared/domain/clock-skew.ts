/**
 * By how much the clock of a host is ahead of ours, as bounds: a host is asked for its time, and answers somewhere
 * between our asking and our hearing. Only what lies outside all doubt is called a skew.
 *
 * A restore point's time is ours, so a wrong clock on a host does no harm to its order. But of two clocks that disagree
 * by a day, either may be the wrong one, and if it is ours, it is better to stop and look.
 */
import type { WallSpan } from '../base/clock.ts';

/** In ms; negative where the host's clock is behind. */
export interface ClockSkew {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** From here on a skew is worth a word: clocks that are set by NTP are apart by less. */
const WARNED_MS = 5_000;

/** Unless a host's entry says otherwise. */
export const DEFAULT_MAX_CLOCK_SKEW_SECONDS = 86_400;

/**
 * @param host what its clock showed, at some instant within `ours`
 */
export function clockSkew(host: WallSpan, ours: WallSpan): ClockSkew {
  return { leastMs: host.earliestMs - ours.latestMs, mostMs: host.latestMs - ours.earliestMs };
}

/** What of it is beyond doubt: the bound that is nearer to 0, and 0 where that lies between them. */
export function provenSkewMs({ leastMs, mostMs }: ClockSkew): number {
  return leastMs > 0 ? leastMs : Math.min(mostMs, 0);
}

/** "The clock of "db1" is 4 minutes behind that of this machine."; undefined where it is not worth a word. */
export function describeSkew(host: string, skew: ClockSkew): string | undefined {
  const words = skewInWords(skew);
  return words === undefined ? undefined : `The clock of "${host}" is ${words}.`;
}

/** "4 minutes behind that of this machine"; undefined where it is not worth a word. */
export function skewInWords(skew: ClockSkew): string | undefined {
  const ms = provenSkewMs(skew);
  if (Math.abs(ms) < WARNED_MS) return undefined;
  return `${lengthOf(Math.abs(ms))} ${ms < 0 ? 'behind' : 'ahead of'} that of this machine`;
}

const UNITS = [
  [365.25 * 86_400_000, 'years'],
  [86_400_000, 'days'],
  [3_600_000, 'hours'],
  [60_000, 'minutes'],
  [1000, 'seconds'],
] as const;

/** Rounded, in the largest unit of which there are two or more: "90 minutes", "31 hours". */
function lengthOf(ms: number): string {
  const [unit, name] = UNITS.find(([one]) => ms >= 2 * one) ?? [1000, 'seconds'];
  return `${Math.round(ms / unit)} ${name}`;
}
