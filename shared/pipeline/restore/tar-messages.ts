/** What GNU tar says while it extracts (LC_ALL=C, `--quoting-style=escape`), sorted by what it means. */

export type TarMessage =
  /** The entry is not there. */
  | { readonly kind: 'entry'; readonly path: Buffer; readonly reason: string }
  /** The file is there with a part of its content. */
  | { readonly kind: 'broken'; readonly path: Buffer; readonly reason: string }
  /** The entry is there, without its owner, mode, time, ACL or an attribute. */
  | { readonly kind: 'attribute'; readonly path: Buffer; readonly what: string }
  /** Nothing more can be written. */
  | { readonly kind: 'full'; readonly path: Buffer; readonly reason: string }
  /** tar itself is in trouble; the stream or the machine. */
  | { readonly kind: 'fatal'; readonly message: string }
  | { readonly kind: 'noise' };

/** Looked for in the reason only: names of files may say anything. What is left of a reason ends it. */
const ATTRIBUTES: readonly (readonly [RegExp, string])[] = [
  [/^(?:Warning: )?Cannot change ownership to [^:]*: (.*)$/, 'owner or group'],
  [/^(?:Warning: )?Cannot change mode to [^:]*: (.*)$/, 'permissions'],
  [/^(?:Warning: )?Cannot utime: (.*)$/, 'time of modification'],
  [/^(?:Warning: )?Cannot acl_[a-z_]*: (.*)$/, 'access control list'],
  [/^(?:Warning: )?Cannot l?setfilecon[a-z]*: (.*)$/, 'SELinux context'],
];
/** These begin with the function that failed, and name the file later. */
const CALLS =
  /^(?:l?setxattr(?:at)?|acl_[a-z_]+|l?setfilecon[a-z]*): Cannot (?:set|drop) (.*?) for file '(.*)': ([^:]*)$/;
const BROKEN = /^(?:Cannot (?:write|seek to \d+|close|truncate)|Wrote only \d+ of \d+ bytes)/;
const FULL = /: (?:No space left on device|Disk quota exceeded)$/;
const NOISE = /^(?:Exiting with failure status|Error is not recoverable|Skipping to next header)/;

export function parseTarMessage(line: string): TarMessage {
  if (!line.startsWith('tar: ')) return line === '' ? { kind: 'noise' } : { kind: 'fatal', message: line };
  const text = line.slice('tar: '.length);
  if (NOISE.test(text)) return { kind: 'noise' };
  const [, object = '', of = '', because = ''] = CALLS.exec(text) ?? [];
  if (object !== '') return { kind: 'attribute', path: unescape(of), what: `${wordFor(object)} (${because})` };
  const [, name = '', reason = ''] = /^(.*?): ((?:Warning: )?Cannot .*|Wrote only .*)$/.exec(text) ?? [];
  if (reason === '') return { kind: 'fatal', message: text };
  const path = unescape(name);
  for (const [pattern, what] of ATTRIBUTES) {
    const [, why] = pattern.exec(reason) ?? [];
    // Before a full disk, for an attribute that the file system has no room for says the same.
    if (why !== undefined) return { kind: 'attribute', path, what: `${what} (${why})` };
  }
  if (FULL.test(reason)) return { kind: 'full', path, reason };
  return { kind: BROKEN.test(reason) ? 'broken' : 'entry', path, reason };
}

function wordFor(object: string): string {
  if (object.includes('POSIX ACLs')) return 'access control list';
  if (object.includes('SELinux')) return 'SELinux context';
  const [, name] = /^'(.*)' extended attribute$/.exec(object) ?? [];
  return name === undefined ? object : `extended attribute "${name}"`;
}

const SHORT: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** The bytes of a name that is written in tar's `escape` style, given as Latin-1 text. */
function unescape(name: string): Buffer {
  const plain = name.replaceAll(/\\(?:[0-7]{3}|.)/gs, (escape) => {
    const short = SHORT[escape.slice(1)];
    if (short !== undefined) return String.fromCharCode(short);
    return escape.length === 2 ? escape.slice(1) : String.fromCharCode(Number.parseInt(escape.slice(1), 8));
  });
  return Buffer.from(plain, 'latin1');
}

/** Lines of a stream of bytes; the last one may lack its newline. Longer ones than `limit` are cut. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, limit = 64 * 1024): AsyncGenerator<string, void, void> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(0, limit);
    for (const line of lines) yield line;
  }
  if (rest !== '') yield rest;
}
