/**
 * The time of a restore point as the clock on the wall showed it where the backup was made: RFC 3339 text with its own
 * offset. Days, weeks and years of keep rules are those of that clock, never those of the machine that looks. Only a
 * length of time that is reckoned back over a change to summer time follows the zone of this machine, where the time shows
 * its offset: so does restic, and the same rules have to keep the same.
 */
import { StillpointError } from '../base/errors.ts';

const FORM = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d))$/;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface LocalTime {
  /** Milliseconds since 1970 that a clock at Greenwich would need to show the same hands. */
  readonly wallMs: number;
  readonly offsetMinutes: number;
  /** Nanoseconds that `wallMs` has no room for. */
  readonly nanos: number;
}

export function parseLocalTime(text: string): LocalTime {
  const parts = FORM.exec(text);
  if (parts === null) {
    throw new StillpointError('repository.damaged', `${JSON.stringify(text.slice(0, 80))} is not a time.`, {
      advice: 'The restore point that holds it is damaged. Run check on the repository.',
      cause: undefined,
    });
  }
  const field = (index: number): number => Number(parts[index] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(field(1), field(2) - 1, field(3));
  date.setUTCHours(field(4), field(5), field(6));
  const fraction = Number((parts[7] ?? '').padEnd(9, '0'));
  const offset = (field(9) * 60 + field(10)) * (parts[8] === '-' ? -1 : 1);
  return {
    wallMs: date.getTime() + Math.floor(fraction / 1e6),
    offsetMinutes: offset,
    nanos: fraction % 1e6,
  };
}

/** Below zero where `left` is the earlier instant, whatever the clocks showed. */
export function compareInstants(left: LocalTime, right: LocalTime): number {
  return instantMs(left) - instantMs(right) || left.nanos - right.nanos;
}

export function instantMs({ wallMs, offsetMinutes }: LocalTime): number {
  return wallMs - offsetMinutes * MINUTE_MS;
}

export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/** The 31st of a month that has no such day runs on into the next month. */
export function before(time: LocalTime, { years, months, days, hours }: CalendarSpan): LocalTime {
  const date = new Date(time.wallMs);
  date.setUTCFullYear(date.getUTCFullYear() - years, date.getUTCMonth() - months, date.getUTCDate() - days);
  const wallMs = date.getTime();
  const isOfThisZone = offsetHere(instantMs(time)) === time.offsetMinutes;
  const offsetMinutes = isOfThisZone ? offsetAtWall(wallMs) : time.offsetMinutes;
  return { ...time, offsetMinutes, wallMs: wallMs - hours * HOUR_MS };
}

/** Of the zone of this machine, at an instant. */
function offsetHere(ms: number): number {
  return -new Date(ms).getTimezoneOffset();
}

/** Of the zone of this machine, where its clock shows this; of an hour that there is twice or never as Go's time.Date has it. */
function offsetAtWall(wallMs: number): number {
  return offsetHere(wallMs - offsetHere(wallMs) * MINUTE_MS);
}

/** Texts that are equal for times in the same hour, day, ISO week, month or year of the clock on the wall. */
export const CALENDAR = {
  hourly: (time: LocalTime): string => iso(time).slice(0, -'00:00.000Z'.length),
  daily: (time: LocalTime): string => iso(time).slice(0, -'T00:00:00.000Z'.length),
  /** ISO weeks begin on Monday; 1970 began on a Thursday. */
  weekly: (time: LocalTime): string => String(Math.floor((Math.floor(time.wallMs / DAY_MS) + 3) / 7)),
  monthly: (time: LocalTime): string => iso(time).slice(0, -'-00T00:00:00.000Z'.length),
  yearly: (time: LocalTime): string => iso(time).slice(0, -'-00-00T00:00:00.000Z'.length),
} as const;

const iso = ({ wallMs }: LocalTime): string => new Date(wallMs).toISOString();
