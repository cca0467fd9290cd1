/**
 * Exclude patterns, with restic's meaning: `*` and `?` match within a name, `**` any number of folders, `[a-z]` a set.
 * A pattern with a leading "/" is anchored at the root of the host; any other may begin at any folder. What is
 * excluded is excluded with everything below it.
 *
 * Names are bytes: patterns are encoded as UTF-8 and compared byte by byte (as Latin-1 text, one character a byte), so
 * `?` matches one byte.
 */
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
      const text = path.toString('latin1');
      return expressions.some((expression) => expression.test(text));
    },
  };
}

function compile(pattern: string): RegExp {
  const bytes = Buffer.from(pattern, 'utf8').toString('latin1').replace(/\/+$/, '');
  if (bytes === '' || bytes.includes('\0')) throw invalid(pattern);
  const parts = bytes
    .replace(/^\//, '')
    .split('/')
    .map((part) => (part === '**' ? undefined : translate(part, pattern)));
  let body = '';
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (part === undefined) body += last ? '(?:/[^/]+)+' : '(?:/[^/]+)*';
    else body += `/${part}`;
  }
  return new RegExp(`${bytes.startsWith('/') ? '^' : '^(?:/[^/]+)*'}${body}$`, 's');
}

function translate(part: string, pattern: string): string {
  let out = '';
  for (let i = 0; i < part.length; i += 1) {
    const character = part.charAt(i);
    if (character === '*') out += '[^/]*';
    else if (character === '?') out += '[^/]';
    else if (character === '\\' && i + 1 < part.length) out += literal(part.charAt(++i));
    else if (character === '[') {
      const end = part.indexOf(']', i + 2);
      if (end < 0) throw invalid(pattern);
      const set = part
        .slice(i + 1, end)
        .replace(/^!/, '^')
        .replaceAll('\\', '\\\\')
        .replaceAll('[', '\\[');
      out += `[${set}]`;
      i = end;
    } else out += literal(character);
  }
  return out;
}

const literal = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');

function invalid(pattern: string): StillpointError {
  return new StillpointError('config.invalid', `"${pattern}" is no pattern for files to leave out.`, {
    advice: 'Nothing was started. Use *, ?, ** and [a-z]; close every bracket; see the documentation of "exclude".',
    cause: undefined,
  });
}
