/**
 * Times of restore points and of what is in them, as restic's files hold them: RFC 3339 text with up to nine decimals, trailing zeros cut, `Z` or an offset, as
 * Go's time.Time prints. Kept as text so that what was read is written back to the letter.
 */
import type { Branded } from '../base/brand.ts';

export type Timestamp = Branded<string, 'Timestamp'>;

const FORM =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,9})\d*)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const BILLION = 1_000_000_000n;

let lastTimestamp = '';

/** Most entries have one time twice. */
export function isTimestamp(text: string): text is Timestamp {
  if (text === lastTimestamp) return true;
  if (!FORM.test(text)) return false;
  lastTimestamp = text;
  return true;
}

/**
 * Nanoseconds since 1970 UTC as text. Years outside 0 to 9999 are moved to the nearest of them, as restic does, because
 * the text has no room for them.
 * @param offsetMinutes east of Greenwich; 0 prints `Z`.
 */
export function timestampFromNs(ns: bigint, offsetMinutes = 0): Timestamp {
  let seconds = Number(ns / BILLION);
  let fraction = Number(ns % BILLION);
  if (fraction < 0) {
    seconds -= 1;
    fraction += 1e9;
  }
  const local = Math.min(Math.max(seconds + offsetMinutes * 60, MIN_SECONDS), MAX_SECONDS);
  return `${calendarOf(local)}${decimalsOf(fraction)}${offsetText(offsetMinutes)}` as Timestamp;
}

let lastSeconds = Number.NaN;
let lastCalendar = '';

/** Of neighbours in a folder many have the same second. */
function calendarOf(seconds: number): string {
  if (seconds !== lastSeconds) {
    lastCalendar = new Date(seconds * 1000).toISOString().slice(0, 19);
    lastSeconds = seconds;
  }
  return lastCalendar;
}

function decimalsOf(fraction: number): string {
  if (fraction === 0) return '';
  let digits = 9;
  let left = fraction;
  for (; left % 10 === 0; left /= 10) digits -= 1;
  return `.${String(left).padStart(digits, '0')}`;
}

const MIN_SECONDS = Date.UTC(2000, 0, 1) / 1000 - 63_113_904_000;
const MAX_SECONDS = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

function offsetText(offsetMinutes: number): string {
  if (offsetMinutes === 0) return 'Z';
  const total = Math.abs(offsetMinutes);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(total / 60))}:${two(total % 60)}`;
}

export function timestampFromDate(date: Date): Timestamp {
  return timestampFromNs(BigInt(date.getTime()) * 1_000_000n);
}

/** Nanoseconds since 1970 UTC. */
export function timestampToNs(timestamp: Timestamp): bigint {
  const parts = FORM.exec(timestamp);
  if (parts === null) throw new RangeError(`not a timestamp: ${timestamp}`);
  const field = (index: number): number => Number(parts[index] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(field(1), field(2) - 1, field(3));
  date.setUTCHours(field(4), field(5), field(6));
  const offset = (field(9) * 60 + field(10)) * 60_000 * (parts[8] === '-' ? -1 : 1);
  const fraction = BigInt((parts[7] ?? '').padEnd(9, '0'));
  return BigInt(date.getTime() - offset) * 1_000_000n + fraction;
}

export function timestampToDate(timestamp: Timestamp): Date {
  return new Date(Number(timestampToNs(timestamp) / 1_000_000n));
}
