/**
 * Exclude patterns, with restic's meaning: names as in `glob.ts`, and `**` for any number of folders (also none). A
 * pattern with a leading "/" is anchored at the root of the host; any other may begin at any folder. What is excluded
 * is excluded with everything below it. restic's "!" for taking back an earlier pattern is refused rather than misunderstood.
 */
import { posix } from 'node:path';
import { StillpointError } from '../base/errors.ts';
import { textOf, translateGlob } from './glob.ts';

export interface ExcludePatterns {
  /** Whether this absolute path itself matches; its parents are not looked at. */
  matches(path: Buffer): boolean;
  /** Those that a simpler matcher can do as well: names without wildcards, one after the other. */
  readonly literal: readonly LiteralPattern[];
  /** Those that are about one name anywhere, with "*" as their only wildcard; other characters stand for themselves. */
  readonly names: readonly string[];
}

interface LiteralPattern {
  /** From the root of the host, and not from any folder. */
  readonly isAnchored: boolean;
  readonly parts: readonly string[];
}

export function compileExcludes(patterns: readonly string[]): ExcludePatterns {
  const expressions = patterns.map(compile);
  const simple = patterns.map(simplify);
  return {
    literal: simple.filter((pattern) => typeof pattern === 'object'),
    names: simple.filter((pattern) => typeof pattern === 'string'),
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
  const translated = parts.map((part) => {
    if (part === '**') return ANY_FOLDERS;
    const name = translateGlob(part);
    if (name === undefined) throw invalid(pattern);
    return `/${name}`;
  });
  const body = translated.join('');
  return new RegExp(`^${clean.startsWith('/') ? '' : ANY_FOLDERS}${body}$`, 'su');
}

/** A literal pattern, or a name with "*" in it; undefined for what needs the whole language. */
function simplify(pattern: string): LiteralPattern | string | undefined {
  const clean = posix.normalize(pattern);
  const parts = clean.split('/').filter((part) => part !== '');
  let isAnchored = clean.startsWith('/');
  while (parts[0] === '**') {
    isAnchored = false;
    parts.shift();
  }
  while (parts.at(-1) === '**') parts.pop();
  if (parts.length === 0 || parts.some((part) => /[?[\]\\]/.test(part))) return undefined;
  if (parts.every((part) => !part.includes('*'))) return { isAnchored, parts };
  return parts.length === 1 && !isAnchored ? parts[0] : undefined;
}

const ANY_FOLDERS = '(?:/[^/]+)*';

function invalid(pattern: string): StillpointError {
  return new StillpointError('config.invalid', `"${pattern}" is not a pattern for files to leave out.`, {
    advice:
      'Use *, ?, ** and [a-z], close every bracket, and leave out "!"; a folder is left out with all that is in it.',
    cause: undefined,
  });
}
