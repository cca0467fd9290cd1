/**
 * Quoting for POSIX sh: the only place where a value becomes part of shell text. Inside single quotes every byte but
 * the single quote itself means itself, in every shell and every locale; so there is one rule and no exceptions.
 */
import { invariant } from '../base/errors.ts';

const QUOTE = 0x27;
const ESCAPED_QUOTE = Buffer.from("'\\''", 'latin1');

/** One word for sh, byte-exact. A NUL cannot be said in any shell; whoever passes one has a bug. */
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

/** Reads back what `quoteArgs` wrote, for recordings; it understands nothing else. */
export function unquoteArgs(text: Uint8Array): Buffer[] {
  const bytes = Buffer.from(text);
  const words: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const word: Buffer[] = [];
    for (;;) {
      invariant(bytes[at] === QUOTE, 'a quoted word begins with a quote');
      const end = bytes.indexOf(QUOTE, at + 1);
      invariant(end > at, 'a quoted word ends with a quote');
      word.push(bytes.subarray(at + 1, end));
      at = end + 1;
      if (bytes[at] !== 0x5c) break;
      word.push(bytes.subarray(at + 1, at + 2));
      at += 2;
    }
    words.push(Buffer.concat(word));
    at += 1;
  }
  return words;
}
