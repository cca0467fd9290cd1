/**
 * Names of files as restic stores them: the bytes, quoted by the rules of Go's strconv.Quote, without the quotes. Any
 * byte sequence survives: what is no UTF-8 becomes `\xNN`. Which characters are printable depends on the version of
 * Unicode, so the text (not the meaning) of a name with characters newer than a given restic may differ from it.
 */
import { StillpointError } from '../../base/errors.ts';

const PLAIN = /^[ !#-[\]-~]*$/;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const SHORT: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

export function quoteName(name: Buffer): string {
  const latin1 = name.toString('latin1');
  if (PLAIN.test(latin1)) return latin1;
  let out = '';
  let at = 0;
  while (at < name.length) {
    const length = sequenceLength(name, at);
    if (length === 0) {
      out += hexByte(name[at] ?? 0);
      at += 1;
      continue;
    }
    out += quoteCharacter(name.toString('utf8', at, at + length));
    at += length;
  }
  return out;
}

function quoteCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  if (PRINTABLE.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return hexByte(code);
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}

function hexByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Bytes of the well-formed UTF-8 sequence at `at`, or 0. Overlong forms and surrogates are not well-formed. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let index = at + 2; index < at + length; index++) {
    if (((bytes[index] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

export function isValidUtf8(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return false;
    at += length;
  }
  return true;
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\"]))|([^\\"\n]+)/y;
const UNSHORT = new Map(Object.entries(SHORT).map(([character, escape]) => [escape.slice(1), character]));

export function unquoteName(text: string): Buffer {
  if (!text.includes('\\') && !text.includes('"') && !text.includes('\n')) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  ESCAPE.lastIndex = 0;
  while (ESCAPE.lastIndex < text.length) {
    const part = ESCAPE.exec(text);
    if (part === null) throw badName(text);
    parts.push(unescapePart(part, text));
  }
  return Buffer.concat(parts);
}

function unescapePart(part: RegExpExecArray, text: string): Buffer {
  const [, byte, short, long, octal, letter, plain] = part;
  if (plain !== undefined) return Buffer.from(plain, 'utf8');
  if (letter !== undefined) return Buffer.from(UNSHORT.get(letter) ?? '', 'utf8');
  if (byte !== undefined) return Buffer.of(Number.parseInt(byte, 16));
  if (octal !== undefined) {
    const value = Number.parseInt(octal, 8);
    if (value > 0xff) throw badName(text);
    return Buffer.of(value);
  }
  const code = Number.parseInt(short ?? long ?? '', 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw badName(text);
  return Buffer.from(String.fromCodePoint(code), 'utf8');
}

function badName(text: string): StillpointError {
  return new StillpointError(
    'repository.damaged',
    `A tree holds the name ${JSON.stringify(text)}, which is not quoted as a name is.`,
    {
      advice: 'The tree cannot be used. Run "stillpoint check" to see which restore points are affected.',
      cause: undefined,
    },
  );
}
