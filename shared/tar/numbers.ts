/**
 * Numbers as tar headers hold them: octal digits between blanks, or, with the first bit set, a big-endian two's
 * complement number (GNU's base-256). Every function works on bytes in place; NaN stands for "not a number".
 */

const SPACE = 0x20;
const ZERO = 0x30;

export function parseHeaderNumber(block: Buffer, start: number, length: number): number {
  const first = block[start] as number;
  return first & 0x80 ? parseBase256(block, start, length) : parseOctal(block, start, length);
}

function parseOctal(block: Buffer, start: number, length: number): number {
  const end = start + length;
  let at = start;
  while (at < end && block[at] === SPACE) at += 1;
  let value = 0;
  while (at < end) {
    const digit = (block[at] as number) - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
    at += 1;
  }
  for (; at < end; at += 1) {
    const byte = block[at];
    if (byte === 0) break;
    if (byte !== SPACE) return Number.NaN;
  }
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function parseBase256(block: Buffer, start: number, length: number): number {
  const negative = (block[start] as number) & 0x40;
  // The first bit is only the mark; the second is the sign, and the rest of the first byte is payload.
  let value = negative ? ((block[start] as number) | 0x80) - 256 : (block[start] as number) & 0x3f;
  for (let at = start + 1; at < start + length; at += 1) {
    value = value * 256 + (block[at] as number);
    if (!Number.isSafeInteger(value)) return Number.NaN;
  }
  return value;
}

/** Writes `digits` octal digits and a NUL; the caller has made sure that the value fits (see `fitsOctal`). */
export function writeOctal(block: Buffer, start: number, digits: number, value: number): void {
  let rest = value;
  for (let at = start + digits - 1; at >= start; at -= 1) {
    block[at] = ZERO + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  block[start + digits] = 0;
}

export function fitsOctal(value: number, digits: number): boolean {
  return value >= 0 && value < 8 ** digits;
}

/** A whole number in decimal digits, as pax records hold them. `end` is exclusive. */
export function parseDecimal(bytes: Buffer, start: number, end: number): number {
  if (start >= end || end - start > 17) return Number.NaN;
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Big-endian two's complement with the first bit set: what octal digits have no room for. */
export function writeBase256(block: Buffer, start: number, length: number, value: number): void {
  let rest = value;
  for (let at = start + length - 1; at >= start; at -= 1) {
    block[at] = ((rest % 256) + 256) % 256;
    rest = Math.floor(rest / 256);
  }
  block[start] = (block[start] as number) | 0x80;
}
