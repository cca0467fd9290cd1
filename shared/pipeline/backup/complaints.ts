/**
 * What GNU find(1) and tar(1) say on standard error when they cannot read something, as values. Both print names so
 * that a line is a line whatever a file is called (LC_ALL=C): tar in its "escape" quoting, where a colon is written
 * `\:`, find between single quotes, where a quote is written `\'`. A line of another form is kept as it is, and whoever
 * must account for every line finds it there.
 */

import { StillpointError } from '../../base/errors.ts';
import type { StreamCommand, StreamResult } from '../../remote/command.ts';

export interface Complaint {
  /** As the program was given it, or made it from what it was given. */
  readonly name: Buffer;
  /** The kernel's, where the kernel refused something; else the program's. */
  readonly reason: string;
  /** Whether only attributes are missing: the content came. */
  readonly isOfAttributes: boolean;
  /** How many bytes at its end did not come, where the program says that instead of the kernel's reason. */
  readonly missingBytes?: number;
}

export interface Complaints {
  readonly complaints: readonly Complaint[];
  /** Lines that name nothing. */
  readonly others: readonly string[];
}

const OF_TAR = /^tar: ((?:[^\\:]|\\.)+): (Warning: )?(.*)$/;
const OF_FIND = /^find: '((?:[^\\']|\\.)*)': (.*)$/;
const SHRANK = /^File shrank by (\d+) bytes?; padding with zeros$/;
/** tar counts what it said so far in this one; it names nothing new. */
const SUMMARY = 'tar: Exiting with failure status due to previous errors';

export function complaintsOfTar(stderr: string): Complaints {
  return parse(stderr, (line) => {
    const [, name, warning, reason = ''] = OF_TAR.exec(line) ?? [];
    if (name === undefined) return undefined;
    const missing = SHRANK.exec(reason)?.[1];
    return {
      name: withoutSlash(unescape(name)),
      reason: kernelsWords(reason),
      isOfAttributes: warning !== undefined,
      ...(missing === undefined ? {} : { missingBytes: Number(missing) }),
    };
  });
}

export function complaintsOfFind(stderr: string): Complaints {
  return parse(stderr, (line) => {
    const [, name, reason = ''] = OF_FIND.exec(line) ?? [];
    return name === undefined ? undefined : { name: unescape(name), reason, isOfAttributes: false };
  });
}

/** tar puts a slash behind the name of a folder into which it cannot look. */
function withoutSlash(name: Buffer): Buffer {
  return name.length > 1 && name.at(-1) === 0x2f ? name.subarray(0, -1) : name;
}

function kernelsWords(reason: string): string {
  const [, at, why] = /^Read error at byte (\d+), while reading \d+ bytes?: (.*)$/.exec(reason) ?? [];
  if (why !== undefined) return `${why} at byte ${at}`;
  return /^Cannot [^:]+: (.+)$/.exec(reason)?.[1] ?? reason;
}

function parse(stderr: string, read: (line: string) => Complaint | undefined): Complaints {
  const complaints: Complaint[] = [];
  const others: string[] = [];
  for (const line of stderr.split('\n')) {
    if (line.trim() === '' || line === SUMMARY) continue;
    const complaint = read(line);
    if (complaint === undefined) others.push(line);
    else complaints.push(complaint);
  }
  return { complaints, others };
}

const LETTERS: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** The escapes of gnulib's quotearg: three octal digits, the letters of C, or the character itself. */
function unescape(quoted: string): Buffer {
  const bytes: number[] = [];
  for (const [whole, escape] of quoted.matchAll(/\\([0-7]{3}|.)|[^\\]/gsu)) {
    if (escape === undefined) bytes.push(...Buffer.from(whole));
    else if (escape.length === 3) bytes.push(Number.parseInt(escape, 8) & 0xff);
    else bytes.push(...(LETTERS[escape] === undefined ? Buffer.from(escape) : [LETTERS[escape]]));
  }
  return Buffer.from(bytes);
}

export function tooMuchUnreadable(
  host: string,
  command: StreamCommand,
  { exitCode, stderr }: StreamResult,
): StillpointError {
  return new StillpointError(
    'read.unreadable',
    `More on "${host}" cannot be read than could be named one by one; the last was: ${stderr.trim().split('\n').at(-1) ?? ''}`,
    {
      advice: `Look at the kernel's log of the host ("dmesg") and at the health of its disk before anything else.`,
      details: { host, command: command.name, exitCode },
      cause: undefined,
    },
  );
}
