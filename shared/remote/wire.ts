/**
 * What is said between us and `/bin/sh -s` on a host; pure, both directions.
 *
 *   we    a greeting: print the nonce, and start again in an environment of ours
 *   host  (whatever the login shell printed) newline nonce newline
 *   we    the script: definitions, and one call on the last line
 *   host  nonce "+" newline               on standard output and on standard error: the script runs
 *   we    the input, if there is any, until the end of the stream
 *   host  the content                     on standard output, untouched
 *   host  nonce ":" rc (3 digits) newline on both streams: the trailer
 *
 * After a script that leaves no process the shell reads on: the next script has a nonce of its own, and a greeting before it
 * where it must not run twice.
 *
 * Why so: an rc file that reads standard input eats the greeting and nothing else, and then no nonce comes; a script
 * that is cut off fails to parse, or lacks its last line, and then nothing runs; a shell may read ahead, so nothing
 * follows the script before the script has said that it runs; and only the trailer proves that the content is whole,
 * because an exit status can be lost and a closed channel looks like an end. The nonce is random and is never an
 * argument or in the environment, so content cannot imitate the trailer.
 *
 * Invariant: no script of ours sees an environment of the host's. What a login, PAM, sshd or sudo put there (options of
 * tar, the folder of a tool's settings, libraries to load first, functions exported from bash, SHELLOPTS, a time zone) would
 * steer the programs that we call, and no list of names to unset is ever complete.
 */
import { randomBytes } from 'node:crypto';
import { invariant } from '../base/errors.ts';
import type { RemoteScript } from './command.ts';
import { quoteArgs } from './quoting.ts';

const NONCE_LENGTH = 32;
/** nonce, "+", newline */
export const READY_LENGTH = NONCE_LENGTH + 2;
/** nonce, ":", three digits, newline */
export const TRAILER_LENGTH = NONCE_LENGTH + 5;

/** 128 random bits in hex. */
export function createNonce(): string {
  return randomBytes(NONCE_LENGTH / 2).toString('hex');
}

/** Where the programs of a host are looked for: all places that a distribution or its administrator may use. */
const PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

/** The whole environment of a script, as the arguments of `env -i`; for what a script starts that outlives it, too. */
export const CLEAN_ENVIRONMENT = `PATH=${PATH} LC_ALL=C`;

/**
 * The shell prints the nonce and makes way for one that knows nothing of the host's environment. Where that fails it
 * ends, and what follows the greeting is never read.
 */
export function formatGreeting(nonce: string): Buffer {
  return Buffer.from(`printf '\\n%s\\n' ${nonce}${START_AGAIN}`, 'latin1');
}

const START_AGAIN = `; PATH=${PATH}; export PATH; exec env -i ${CLEAN_ENVIRONMENT} /bin/sh -s\n`;

export function nonceLine(nonce: string): Buffer {
  return Buffer.from(`\n${nonce}\n`, 'latin1');
}

export function readyLine(nonce: string): Buffer {
  return Buffer.from(`${nonce}+\n`, 'latin1');
}

export function formatTrailer(nonce: string, exitCode: number): Buffer {
  return Buffer.from(`${nonce}:${String(exitCode).padStart(3, '0')}\n`, 'latin1');
}

/** The exit code of a complete trailer, or undefined when these bytes are not one. */
export function parseTrailer(nonce: string, bytes: Uint8Array): number | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (text.length !== TRAILER_LENGTH || !text.startsWith(`${nonce}:`)) return undefined;
  const digits = /^(\d{3})\n$/.exec(text.slice(NONCE_LENGTH + 1));
  return digits ? Number(digits[1]) : undefined;
}

const NO_INPUT = ' </dev/null';
const CALL = '\nstillpoint_main\n';

const PROLOGUE = 'umask 077\ncd /';

/** What a script is to the shell that reads it. */
export interface ScriptPlace {
  /** What follows it on standard input is its own. */
  readonly takesInput: boolean;
  /** The shell reads on after it; else it ends. */
  readonly readsOn: boolean;
}

/** The document that goes to `/bin/sh -s` after the nonce was seen. */
export function formatScript(script: RemoteScript, nonce: string, { takesInput, readsOn }: ScriptPlace): Buffer {
  invariant(/^[a-z][a-z0-9-]*$/.test(script.name), 'a command has a name in kebab-case');
  const body = Buffer.from(script.script, 'utf8');
  const args = quoteArgs(script.args);
  return Buffer.concat([
    Buffer.from(`# stillpoint ${script.name} ${script.needs} ${body.length} ${args.length}\n`, 'latin1'),
    Buffer.from('stillpoint_body() {\n', 'latin1'),
    body,
    Buffer.from(`\n}\nstillpoint_main() {\n${PROLOGUE}\nset -- `, 'latin1'),
    args,
    Buffer.from(
      `\nprintf '%s+\\n' ${nonce} >&2\nprintf '%s+\\n' ${nonce}\n` +
        `( stillpoint_body "$@" )${takesInput ? '' : NO_INPUT}` +
        `\nstillpoint_rc=$?\n` +
        `printf '%s:%03d\\n' ${nonce} "$stillpoint_rc" >&2\nprintf '%s:%03d\\n' ${nonce} "$stillpoint_rc"\n${readsOn ? '' : 'exit 0\n'}}`,
      'latin1',
    ),
    Buffer.from(CALL, 'latin1'),
  ]);
}
