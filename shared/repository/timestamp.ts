/**
 * Times of restore points and of what is in them, as restic's files hold them: RFC 3339 text with up to nine decimals, trailing zeros cut, `Z` or an offset, as
 * Go's time.Time prints. Kept as text so that what was read is written back to the letter.
 */
import type { Branded } from '../base/brand.ts';

export type Timestamp = Branded<string, 'Timestamp'>;

const FORM =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,9})\d*)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const BILLION = 1_000_000_000n;

export function isTimestamp(text: string): text is Timestamp {
  return FORM.test(text);
}

/**
 * Nanoseconds since 1970 UTC as text. Years outside 0 to 9999 are moved to the nearest of them, as restic does, because
 * the text has no room for them.
 * @param offsetMinutes east of Greenwich; 0 prints `Z`.
 */
export function timestampFromNs(ns: bigint, offsetMinutes = 0): Timestamp {
  let seconds = ns / BILLION;
  let fraction = ns % BILLION;
  if (fraction < 0n) {
    seconds -= 1n;
    fraction += BILLION;
  }
  const local = seconds + BigInt(offsetMinutes * 60);
  const clamped = local < MIN_SECONDS ? MIN_SECONDS : local > MAX_SECONDS ? MAX_SECONDS : local;
  const calendar = new Date(Number(clamped) * 1000).toISOString().slice(0, 19);
  const decimals = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${calendar}${decimals}${offsetText(offsetMinutes)}` as Timestamp;
}

const MIN_SECONDS = BigInt(Date.UTC(2000, 0, 1) / 1000) - 63_113_904_000n;
const MAX_SECONDS = BigInt(Date.UTC(9999, 11, 31, 23, 59, 59) / 1000);

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
