/**
 * What an assistant cannot do, a person can: type a passphrase, look at a host key, enter a password. For these the
 * answer names the exact command. This server itself never asks anybody for anything.
 */
import type { ErrorCode } from '../shared/base/error-codes.ts';
import type { ErrorRecord } from '../shared/base/errors.ts';

const NEEDS_A_PERSON: ReadonlySet<string> = new Set<ErrorCode>(['ssh.auth-failed']);

/**
 * These say by themselves whether a person at a terminal can help: none brings back a file that is missing, and none is
 * asked where the SSH configuration forbids it.
 */
const MAY_NEED_A_PERSON: ReadonlySet<string> = new Set<ErrorCode>([
  'remote.sudo-refused',
  'config.secret-unavailable',
  'ssh.host-key-unknown',
]);

/** The command line for a person, or undefined where no command would help. */
export function personCommand(
  { code, details }: Pick<ErrorRecord, 'code' | 'details'>,
  words: readonly string[] | undefined,
  configFile: string | undefined,
): string | undefined {
  const helps = NEEDS_A_PERSON.has(code) || (MAY_NEED_A_PERSON.has(code) && details['personHelps'] === true);
  if (words === undefined || !helps) return undefined;
  const config = configFile === undefined ? [] : ['--config', configFile];
  return ['stillpoint', ...words, ...config].map(quoted).join(' ');
}

/** For a POSIX shell, and for reading: plain words stay plain. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
