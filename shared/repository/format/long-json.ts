/**
 * JSON of any length, in pieces. A text of a program holds 512 MiB at most and a parsed one takes ten times its length;
 * the tree of a folder with millions of files and the index of a large repository are longer.
 *
 * Only where values begin and end is found here, over bytes. Each piece is parsed by the parser of the language
 * afterwards, so a piece that was cut in a wrong place is not JSON and is refused.
 */
import { damagedJson, parseJson } from './go-json.ts';

/** Where a value is: its first byte, and the one behind its last. */
export interface JsonRange {
  readonly start: number;
  readonly end: number;
}

/** Elements that are parsed at once: so many bytes, unless one is longer. */
const PIECE_BYTES = 1024 ** 2;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [OPEN_LIST, CLOSE_LIST] = [0x5b, 0x5d];
const [OPEN_OBJECT, CLOSE_OBJECT] = [0x7b, 0x7d];

/**
 * The values of an object by their keys; of a key that appears twice the last, as parsers do.
 * @param what the object in errors: "tree 1a2b3c4d"
 */
export function membersOf(bytes: Buffer, what: string, range?: JsonRange): ReadonlyMap<string, JsonRange> {
  const { start, end } = range ?? { start: 0, end: bytes.length };
  const members = new Map<string, JsonRange>();
  if (isNull(bytes, { start, end })) return members;
  let at = expectByte(bytes, skipSpace(bytes, start), OPEN_OBJECT, what);
  if (bytes[skipSpace(bytes, at)] === CLOSE_OBJECT) at = skipSpace(bytes, at) + 1;
  else {
    for (let isMore = true; isMore; ) {
      const keyStart = skipSpace(bytes, at);
      if (bytes[keyStart] !== QUOTE) throw damagedJson(what, 'is not JSON');
      const keyEnd = endOfString(bytes, keyStart);
      const valueStart = skipSpace(bytes, expectByte(bytes, skipSpace(bytes, keyEnd), COLON, what));
      const valueEnd = endOfValue(bytes, valueStart);
      if (valueEnd === valueStart) throw damagedJson(what, 'is not JSON');
      members.set(parseJson(bytes.subarray(keyStart, keyEnd), what) as string, { start: valueStart, end: valueEnd });
      const behind = skipSpace(bytes, valueEnd);
      isMore = bytes[behind] === COMMA;
      at = isMore ? behind + 1 : expectByte(bytes, behind, CLOSE_OBJECT, what);
    }
  }
  if (skipSpace(bytes, at) < end) throw damagedJson(what, 'is not JSON');
  return members;
}

export interface ParsedPiece {
  readonly values: readonly unknown[];
  /** Where each of them is. */
  readonly ranges: readonly JsonRange[];
}

/**
 * The elements of a list, parsed some at a time. One that is longer than `longest` bytes comes alone and unparsed, as
 * `undefined`.
 * @returns nothing for a list that is `null`, as Go writes an empty one
 */
export function* piecesOf(
  bytes: Buffer,
  list: JsonRange,
  what: string,
  longest = Number.POSITIVE_INFINITY,
): Generator<ParsedPiece> {
  if (isNull(bytes, list)) return;
  if (bytes[list.start] !== OPEN_LIST || bytes[list.end - 1] !== CLOSE_LIST) throw damagedJson(what, 'has no list');
  let ranges: JsonRange[] = [];
  const parsed = function* (): Generator<ParsedPiece> {
    const [first, last] = [ranges[0], ranges.at(-1)];
    if (first === undefined || last === undefined) return;
    const values = parseJson(bytes.subarray(first.start, last.end), what, ['[', ']']) as readonly unknown[];
    if (values.length !== ranges.length) throw damagedJson(what, 'is not JSON');
    yield { values, ranges };
    ranges = [];
  };
  for (const range of elementsOf(bytes, list, what)) {
    const isLong = range.end - range.start > longest;
    if (isLong || range.end - (ranges[0]?.start ?? range.start) > PIECE_BYTES) yield* parsed();
    if (isLong) yield { values: [undefined], ranges: [range] };
    else ranges.push(range);
  }
  yield* parsed();
}

function* elementsOf(bytes: Buffer, list: JsonRange, what: string): Generator<JsonRange> {
  const last = list.end - 1;
  let at = skipSpace(bytes, list.start + 1);
  if (at === last) return;
  for (;;) {
    const end = endOfValue(bytes, at);
    if (end === at || end > last) throw damagedJson(what, 'is not JSON');
    yield { start: at, end };
    const behind = skipSpace(bytes, end);
    if (behind === last) return;
    at = skipSpace(bytes, expectByte(bytes, behind, COMMA, what));
  }
}

/** Go writes, and reads, what it does not have as `null`. */
function isNull(bytes: Buffer, { start, end }: JsonRange): boolean {
  return end - start < 64 && bytes.toString('latin1', start, end).trim() === 'null';
}

function expectByte(bytes: Buffer, at: number, byte: number, what: string): number {
  if (bytes[at] !== byte) throw damagedJson(what, 'is not JSON');
  return at + 1;
}

/** Behind the value that begins here; the end of all bytes where it does not end. */
function endOfValue(bytes: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at;
    at += 1;
  }
  return at;
}

function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, bytes.length);
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
