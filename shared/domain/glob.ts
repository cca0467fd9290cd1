/**
 * Patterns for one name, as Go's path/filepath reads them, and so restic: `*` and `?` match within a name, `[a-z]` a set
 * and `[^a-z]` its opposite, `\` takes the next character as it is.
 *
 * Names are bytes. They are compared as UTF-8, so that `?` is one character; each byte that is not UTF-8 is a character
 * of its own, which only wildcards match.
 */
import { isUtf8 } from 'node:buffer';

/** The source of a regular expression (flags `su`) for one name; undefined where the pattern has no meaning. */
export function translateGlob(part: string): string | undefined {
  try {
    return translate(part);
  } catch (error) {
    if (error instanceof MeaninglessError) return undefined;
    throw error;
  }
}

class MeaninglessError extends Error {}

function translate(part: string): string {
  const characters = Array.from(part);
  let out = '';
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === '*') out += '[^/]*';
    else if (character === '?') out += '[^/]';
    else if (character === '[') {
      const set = readSet(characters, at);
      out += set.expression;
      at = set.end;
    } else if (character === '\\') {
      at += 1;
      const next = characters[at];
      if (next === undefined) throw new MeaninglessError();
      out += literal(next);
    } else out += literal(character);
  }
  return out;
}

/** `[abc]`, `[a-z]`, `[^x]`, with `\` before what would mean something; as Go's path/filepath reads it. */
function readSet(characters: readonly string[], start: number): { expression: string; end: number } {
  let at = start + 1;
  const isNegated = characters[at] === '^';
  if (isNegated) at += 1;
  const take = (): string => {
    if (characters[at] === '\\') at += 1;
    else if (characters[at] === '-' || characters[at] === ']') throw new MeaninglessError();
    const character = characters[at];
    if (character === undefined) throw new MeaninglessError();
    at += 1;
    return character;
  };
  let ranges = '';
  do {
    const low = take();
    let high = low;
    if (characters[at] === '-') {
      at += 1;
      high = take();
    }
    // A range that runs backwards holds nothing; an expression does not know such a thing.
    if (codeOf(low) <= codeOf(high)) ranges += `${literal(low)}-${literal(high)}`;
  } while (characters[at] !== ']');
  // No set reaches over the end of a name, whatever its range spans.
  return { expression: `(?!/)[${isNegated ? '^' : ''}${ranges}]`, end: at };
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
const literal = (character: string): string => `\\u{${codeOf(character).toString(16)}}`;

/** Bytes that are not UTF-8 become lone surrogates, which no pattern can name. */
export function textOf(path: Buffer): string {
  if (isUtf8(path)) return path.toString('utf8');
  let text = '';
  for (let at = 0; at < path.length; ) {
    const length = [1, 2, 3, 4].find((size) => at + size <= path.length && isUtf8(path.subarray(at, at + size)));
    text +=
      length === undefined ? String.fromCharCode(0xdc00 + (path[at] ?? 0)) : path.toString('utf8', at, at + length);
    at += length ?? 1;
  }
  return text;
}
