/**
 * JSON text to the letter as Go's encoding/json prints it, because ids are hashes of that text: a tree that restic
 * would write has to get the id that restic would give it. Whole numbers beyond 2^53 (inodes, devices) are bigint.
 */
import { constants } from 'node:buffer';
import { formatBytes } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';

const NEEDS_GO_ESCAPE = /[<>&\u2028\u2029\b\f\ud800-\udfff]/;
const GO_ESCAPES = /\\\\|\\[bf]|[<>&\u2028\u2029]/g;

/** A text with quotes. Beyond JSON's own rules Go escapes `<`, `>`, `&`, U+2028 and U+2029, and has no `\b` and `\f`. */
export function goString(text: string): string {
  if (!NEEDS_GO_ESCAPE.test(text)) return JSON.stringify(text);
  return JSON.stringify(text.toWellFormed()).replace(GO_ESCAPES, goEscape);
}

function goEscape(found: string): string {
  switch (found) {
    case '\\\\':
      return found;
    case '\\b':
      return '\\u0008';
    case '\\f':
      return '\\u000c';
    default:
      return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
}

/** Any plain value; the keys of objects stay in their order. */
export function goJson(value: unknown): string {
  if (typeof value === 'string') return goString(value);
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return `{${fields.map(([key, inner]) => `${goString(key)}:${goJson(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** From so many digits on, a number may be one that JSON.parse rounds. */
const BIG_DIGITS = 16;

/**
 * Whether so many digits stand in a row where a number may. Of a row so long, one digit is at each multiple of that length.
 * Ids are full of digits, and they stand behind letters or a quote.
 */
function mayHoldBigNumber(bytes: Buffer): boolean {
  for (let at = BIG_DIGITS - 1; at < bytes.length; at += BIG_DIGITS) {
    let from = at;
    while (from >= 0 && isDigit(bytes[from] as number)) from -= 1;
    if (from === at || (from >= 0 && !BEFORE_NUMBER.has(bytes[from] as number))) continue;
    let to = at + 1;
    while (to < bytes.length && isDigit(bytes[to] as number)) to += 1;
    if (to - from > BIG_DIGITS) return true;
  }
  return false;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const BEFORE_NUMBER = new Set(Buffer.from(':,[- \t\r\n'));

/** Longer than this no text of a program can be. */
const MOST_TEXT_BYTES = constants.MAX_STRING_LENGTH;
/** Deeper than anything that restic or we nest. */
const MOST_LEVELS = 64;

/**
 * Parses JSON of the repository.
 * @param what the object in errors
 * @param around what to put before and behind the bytes: brackets around elements of a list
 */
export function parseJson(bytes: Buffer, what: string, [before, behind] = ['', '']): unknown {
  if (bytes.length > MOST_TEXT_BYTES)
    throw damagedJson(what, `holds ${formatBytes(bytes.length)} of text, too much to be read`);
  const text = `${before}${bytes.toString('utf8')}${behind}`;
  try {
    if (!mayHoldBigNumber(bytes)) return JSON.parse(text);
    return JSON.parse(text, keepBigNumbers as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw damagedJson(what, 'is not JSON', cause);
  }
}

/**
 * Fields that we do not know, as `extra` where there are any. They are written back one day, by functions that call
 * themselves for each level.
 */
export function unknownFields(
  fields: Readonly<Record<string, unknown>>,
  what: string,
): { readonly extra?: Readonly<Record<string, unknown>> } {
  let level: unknown[] = Object.values(fields);
  if (level.length === 0) return {};
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MOST_LEVELS) throw damagedJson(what, `has fields that are nested more than ${MOST_LEVELS} levels deep`);
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return { extra: fields };
}

/** Node hands the number's own text to the reviver; without it the last digits of a large inode would be lost. */
function keepBigNumbers(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return context.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

export function damagedJson(what: string, fault: string, cause?: unknown): StillpointError {
  return new StillpointError('repository.damaged', `What is stored as ${what} ${fault}.`, {
    advice: 'It cannot be used. Run "stillpoint check" to see which restore points and files are affected.',
    cause,
  });
}
