/** What this room says to people when a host, its login shell or a command on it does not do what it should. */
import { quotation } from '../base/bytes.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { RemoteScript } from './command.ts';
import type { Greeted } from './conversation.ts';

type Unreached = Extract<Greeted, { reached: false }>;

const RC_FILES =
  'A startup file of the account (.bashrc, .cshrc, config.fish) that prints much, asks, ends the shell or starts another program must do that in interactive shells only; a ForceCommand of sshd or a command= in authorized_keys lets nothing else run.';

/** Our command did not begin in time. A login that printed nothing is silent; one that printed something is noisy. */
export function loginShellLate(host: string, printed: string, seconds: number): StillpointError {
  if (printed === '') return hostSilent(host, seconds);
  return new StillpointError(
    'ssh.noise',
    `The login shell on "${host}" printed something else and did not reach our command within ${seconds} s.${lastLines(printed)}`,
    { advice: RC_FILES, details: { host, printed: tail(printed) }, cause: undefined, retry: 'maybe' },
  );
}

function hostSilent(host: string, seconds: number): StillpointError {
  return new StillpointError('ssh.deadline', `"${host}" accepted a command and then said nothing for ${seconds} s.`, {
    advice:
      'Most often the host is overloaded, suspended or waits for a disk; see whether "ssh" to it answers. If only we get no answer, a startup file of the account (.bashrc, .cshrc, config.fish) or sudo waits for something.',
    details: { host },
    cause: undefined,
    retry: 'maybe',
  });
}

export function loginShellEnded(host: string, greeted: Unreached): StillpointError {
  const printed = `${greeted.noise}\n${greeted.stderr}`.trim();
  const how =
    greeted.why === 'too-much-noise'
      ? 'printed without end'
      : `ended ${greeted.status.signal === undefined ? `with exit code ${greeted.status.code ?? 'unknown'}` : `by ${greeted.status.signal}`}`;
  const expired = /password (?:has|is) expired|password change required|change your password/i.test(printed);
  const restricted = /restricted|not available|nologin|not allowed/i.test(printed);
  return new StillpointError(
    'ssh.noise',
    `The login shell on "${host}" ${how} before it reached our command.${lastLines(printed)}`,
    {
      advice: expired
        ? 'The host runs nothing for this account until it has a new password: log in with ssh at a terminal and change it. "chage -l ACCOUNT" on the host shows when it expires.'
        : restricted
          ? 'The account does not allow commands. Give it an ordinary login shell, or use another account.'
          : `See which login shell the account has ("getent passwd ACCOUNT" on the host): /bin/false or a menu runs no commands. If it is an ordinary one: ${RC_FILES.charAt(0).toLowerCase()}${RC_FILES.slice(1)}`,
      details: { host, printed: tail(printed), exitCode: greeted.status.code },
      cause: undefined,
    },
  );
}

/** Whether it is the connection that failed, and not what was done over it: another one may do better. */
export function isLostConnection(error: unknown): error is StillpointError {
  return (
    isStillpointError(error, 'ssh.connection-lost') ||
    isStillpointError(error, 'ssh.unreachable') ||
    isStillpointError(error, 'ssh.deadline')
  );
}

export function hostClosed(host: string): StillpointError {
  return new StillpointError('run.cancelled', `The connection to "${host}" was closed by us.`, {
    advice: 'Nothing is wrong with the host; the work that needed it was over or cancelled.',
    details: { host },
    cause: undefined,
  });
}

export function commandFailed(host: string, script: RemoteScript, exitCode: number, stderr: string): StillpointError {
  return new StillpointError(
    'remote.command-failed',
    `"${script.name}" on "${host}" ended with exit code ${exitCode}.${lastLines(stderr)}`,
    {
      advice: whatItMeans(exitCode, stderr),
      details: { host, command: script.name, exitCode, stderr: tail(stderr) },
      cause: undefined,
    },
  );
}

/** What timeout(1) leaves when it has ended a program. */
const TIMED_OUT = 124;

/** 128 and the number of a signal is how a shell says that a program was ended by it; KILL is also the kernel's own. */
function whatItMeans(exitCode: number, stderr: string): string {
  if (exitCode === 137)
    return 'It was killed on the host: by somebody, or by the kernel for want of memory, which "dmesg" there shows. Run it again when that is settled.';
  if (exitCode === TIMED_OUT)
    return 'A program did not end in its time there. Look for one that hangs, or that holds what this one waits for, such as another command of the same storage.';
  if (exitCode > 128) return `Signal ${exitCode - 128} ended it on the host. See who sends it, then run it again.`;
  return stderr.trim() === ''
    ? 'It gave no reason. Look at the logs of the host from that time.'
    : 'The host refused this step. Its message above names the cause.';
}

export function commandTooSlow(host: string, script: RemoteScript, budgetMs: number): StillpointError {
  return new StillpointError(
    'remote.deadline',
    `"${script.name}" on "${host}" was not done after ${budgetMs / 1000} s, its limit.`,
    {
      advice: 'It was told to end. Look at the load of the host and for processes that hang, then run it again.',
      details: { host, command: script.name, budgetMs },
      cause: undefined,
      retry: 'maybe',
    },
  );
}

export function answerTooLong(host: string, script: RemoteScript, limit: number): StillpointError {
  return new StillpointError(
    'remote.unreadable-output',
    `"${script.name}" on "${host}" printed more than ${limit} bytes.`,
    {
      advice: 'It was told to end and its output is not used. Report it: this output was expected to be short.',
      details: { host, command: script.name },
      cause: undefined,
    },
  );
}

export function notReadToItsEnd(host: string, script: RemoteScript): StillpointError {
  return new StillpointError('read.incomplete', `"${script.name}" on "${host}" was not read to its end.`, {
    advice: 'What was read is not used. Run it again.',
    details: { host, command: script.name },
    cause: undefined,
    retry: 'maybe',
  });
}

/** The last lines of a program's words, as a sentence of their own; empty when it said nothing. */
export function lastLines(text: unknown): string {
  const lines = (typeof text === 'string' ? text : '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.length === 0 ? '' : ` It said: ${quotation(lines.slice(-3).join(' / ').slice(-400))}.`;
}

function tail(text: string): string {
  return text.slice(-2000);
}
