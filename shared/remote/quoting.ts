/**
 * Quoting for POSIX sh: the only place where a value becomes part of shell text. Inside single quotes every byte but
 * the single quote itself means itself, in every shell and every locale; so there is one rule and no exceptions.
 */
import { displayText } from '../base/bytes.ts';
import { invariant } from '../base/errors.ts';

const QUOTE = 0x27;
const ESCAPED_QUOTE = Buffer.from("'\\''", 'latin1');

/** One word for sh, byte-exact. A shell word cannot hold a NUL; a caller that passes one has a bug. */
export function quoteArg(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
  invariant(!bytes.includes(0), 'an argument of a shell command has no NUL byte');
  const parts: Buffer[] = [Buffer.from([QUOTE])];
  let from = 0;
  for (let at = bytes.indexOf(QUOTE); at >= 0; at = bytes.indexOf(QUOTE, from)) {
    parts.push(bytes.subarray(from, at), ESCAPED_QUOTE);
    from = at + 1;
  }
  parts.push(bytes.subarray(from), Buffer.from([QUOTE]));
  return Buffer.concat(parts);
}

/** Words with a blank between them. */
export function quoteArgs(values: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(values.flatMap((value, index) => (index === 0 ? [quoteArg(value)] : [BLANK, quoteArg(value)])));
}

const BLANK = Buffer.from(' ', 'latin1');

/**
 * A word as a person types it into a shell, in a line that is shown and not run by us; undefined where its bytes cannot be
 * shown as they are.
 */
export function typedWord(value: string | Uint8Array): string | undefined {
  const bytes = Buffer.from(value);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes) || displayText(text) !== text) return undefined;
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : quoteArg(text).toString('utf8');
}
