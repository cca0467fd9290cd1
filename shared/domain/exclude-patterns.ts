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
  const translated = parts.map((part) => {
    if (part === '**') return ANY_FOLDERS;
    const name = translateGlob(part);
    if (name === undefined) throw invalid(pattern);
    return `/${name}`;
  });
  const body = translated.join('');
  return new RegExp(`^${clean.startsWith('/') ? '' : ANY_FOLDERS}${body}$`, 'su');
}

const ANY_FOLDERS = '(?:/[^/]+)*';

function invalid(pattern: string): StillpointError {
  return new StillpointError('config.invalid', `"${pattern}" is no pattern for files to leave out.`, {
    advice:
      'Use *, ?, ** and [a-z], close every bracket, and leave out "!"; a folder is left out with all that is in it.',
    cause: undefined,
  });
}
