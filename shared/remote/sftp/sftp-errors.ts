/** What is said when a conversation of SFTP cannot be opened, or ends. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { lastLines } from '../host-errors.ts';

/** A server's "no" to one request: a status other than OK, with its own words. Who asked translates it. */
export interface SftpRefusal extends Error {
  readonly sftpStatus: number;
}

export function sftpRefusal(status: number, words: string): SftpRefusal {
  return Object.assign(new Error(words === '' ? `status ${status}` : words), { sftpStatus: status });
}

export function sftpStatusOf(error: unknown): number | undefined {
  return (error as Partial<SftpRefusal> | null | undefined)?.sftpStatus;
}

/** As a lost connection: everything on its way is undecided, and a new conversation may continue. */
export function conversationOver(host: string, how: string, stderr = '', cause?: unknown): StillpointError {
  return new StillpointError(
    'ssh.connection-lost',
    `The file transfer with "${host}" has ended: ${how}.${lastLines(stderr)}`,
    {
      advice: 'What was on its way is not used. Look at the log of sshd there when it happens again.',
      details: { host },
      cause,
      retry: 'maybe',
    },
  );
}

export function noSftp(host: string): StillpointError {
  return new StillpointError('ssh.noise', `The SSH server of "${host}" does not offer file transfer (SFTP).`, {
    advice: 'Its sshd_config needs a line "Subsystem sftp internal-sftp".',
    details: { host },
    cause: undefined,
  });
}

export function silent(host: string, budgetMs: number): StillpointError {
  return new StillpointError(
    'ssh.deadline',
    `The file transfer of "${host}" did not greet us within ${budgetMs / 1000} s.`,
    {
      advice: 'See whether "sftp" to this host works, and how busy it is.',
      details: { host },
      cause: undefined,
      retry: 'safe',
    },
  );
}

/** As a lost connection: what was asked may have been done. */
export function hanging(host: string, silentMs: number): StillpointError {
  return new StillpointError(
    'ssh.deadline',
    `The file transfer of "${host}" has not answered a request for ${Math.ceil(silentMs / 1000)} s.`,
    {
      advice:
        'What was on its way is not used. A disk or a network file system of that host may hang: look at its kernel log and how busy it is.',
      details: { host, silentMs },
      cause: undefined,
      retry: 'maybe',
    },
  );
}

/** The classic: a startup file of the login shell prints something, and its letters are read as a length. */
export function noise(host: string, came: Uint8Array): StillpointError {
  const words = displayName(came.subarray(0, 200));
  return new StillpointError('ssh.noise', `The file transfer of "${host}" is disturbed by other text: "${words}".`, {
    advice: 'Startup files of the account (.bashrc and the like) must print in interactive shells only.',
    details: { host },
    cause: undefined,
  });
}

export function unreadable(host: string, cause: unknown): StillpointError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StillpointError('ssh.noise', `The file transfer of "${host}" cannot be understood: ${why}.`, {
    advice: 'What came is not used. See whether "sftp" to this host works.',
    details: { host },
    cause,
    retry: 'maybe',
  });
}

export function tooOld(host: string, version: number): StillpointError {
  return new StillpointError('ssh.noise', `The file transfer of "${host}" speaks version ${version}; 3 is needed.`, {
    advice: 'Use a host with a newer SSH server.',
    details: { host, version },
    cause: undefined,
  });
}
