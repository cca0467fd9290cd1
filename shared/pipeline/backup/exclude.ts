/**
 * Exclude patterns, with restic's meaning: `*` and `?` match within a name, `**` any number of folders (also none),
 * `[a-z]` a set and `[^a-z]` its opposite, `\` takes the next character as it is. A pattern with a leading "/" is
 * anchored at the root of the host; any other may begin at any folder. What is excluded is excluded with everything
 * below it. restic's "!" for taking back an earlier pattern is refused rather than misunderstood.
 *
 * Names are bytes. They are compared as UTF-8, so that `?` is one character; each byte that is no UTF-8 is a character
 * of its own, which only wildcards match.
 */
import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import { StillpointError } from '../../base/errors.ts';

export interface ExcludePatterns {
  /** Whether this absolute path itself matches; its parents are not looked at. */
  matches(path: Buffer): boolean;
}

export function compileExcludes(patterns: readonly string[]): ExcludePatterns {
  const expressions = patterns.map(compile);
  return {
    matches: (path) => {
      if (expressions.length === 0) return false;
      const text = textOf(path);
      return expressions.some((expression) => expression.test(text));
    },
  };
}

function compile(pattern: string): RegExp {
  const clean = posix.normalize(pattern);
  const parts = clean.split('/').filter((part) => part !== '');
  const isMeaningless = parts.length === 0 || parts[0] === '.' || parts[0] === '..';
  if (isMeaningless || pattern === '' || pattern.includes('\0') || pattern.startsWith('!')) throw invalid(pattern);
  const body = parts.map((part) => (part === '**' ? ANY_FOLDERS : `/${translate(part, pattern)}`)).join('');
  return new RegExp(`^${clean.startsWith('/') ? '' : ANY_FOLDERS}${body}$`, 'su');
}

const ANY_FOLDERS = '(?:/[^/]+)*';

function translate(part: string, pattern: string): string {
  const characters = Array.from(part);
  let out = '';
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === '*') out += '[^/]*';
    else if (character === '?') out += '[^/]';
    else if (character === '[') {
      const set = readSet(characters, at, pattern);
      out += set.expression;
      at = set.end;
    } else if (character === '\\') {
      at += 1;
      const next = characters[at];
      if (next === undefined) throw invalid(pattern);
      out += literal(next);
    } else out += literal(character);
  }
  return out;
}

/** `[abc]`, `[a-z]`, `[^x]`, with `\` before what would mean something; as Go's path/filepath reads it. */
function readSet(characters: readonly string[], start: number, pattern: string): { expression: string; end: number } {
  let at = start + 1;
  const isNegated = characters[at] === '^';
  if (isNegated) at += 1;
  const take = (): string => {
    if (characters[at] === '\\') at += 1;
    else if (characters[at] === '-' || characters[at] === ']') throw invalid(pattern);
    const character = characters[at];
    if (character === undefined) throw invalid(pattern);
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

/** Bytes that are no UTF-8 become lone surrogates, which no pattern can name. */
function textOf(path: Buffer): string {
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

function invalid(pattern: string): StillpointError {
  return new StillpointError('config.invalid', `"${pattern}" is no pattern for files to leave out.`, {
    advice: 'Nothing was started. Use *, ?, ** and [a-z]; close every bracket; see the documentation of "exclude".',
    cause: undefined,
  });
}
