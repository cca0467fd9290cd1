/** Times as pax records hold them: decimal seconds, with a sign before 1970 and a fraction where there is one. */
import type { TarTime } from './entry.ts';
import { parseDecimal } from './numbers.ts';

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** Undefined when it is not a time. Digits past the nanosecond are cut off. */
export function parsePaxTime(value: Buffer): TarTime | undefined {
  const negative = value[0] === MINUS;
  const start = negative ? 1 : 0;
  const point = value.indexOf(POINT);
  const wholeEnd = point < 0 ? value.length : point;
  const whole = parseDecimal(value, start, wholeEnd);
  const nanoseconds = point < 0 ? 0 : parseFraction(value, point + 1);
  if (Number.isNaN(whole) || Number.isNaN(nanoseconds)) return undefined;
  if (!negative) return { seconds: whole, nanoseconds };
  // "-1.25" lies before second -1: rounded down it is second -2 and 750 000 000 ns.
  if (nanoseconds === 0) return { seconds: whole === 0 ? 0 : -whole, nanoseconds: 0 };
  return { seconds: -whole - 1, nanoseconds: 1e9 - nanoseconds };
}

function parseFraction(value: Buffer, start: number): number {
  let nanoseconds = 0;
  let weight = 1e8;
  for (let at = start; at < value.length; at += 1) {
    const digit = (value[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    if (weight >= 1) nanoseconds += digit * weight;
    weight /= 10;
  }
  return nanoseconds;
}

export function formatPaxTime(time: TarTime): string {
  if (time.nanoseconds === 0) return String(time.seconds);
  const before1970 = time.seconds < 0;
  const whole = before1970 ? -time.seconds - 1 : time.seconds;
  const fraction = before1970 ? 1e9 - time.nanoseconds : time.nanoseconds;
  return `${before1970 ? '-' : ''}${whole}.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`;
}
