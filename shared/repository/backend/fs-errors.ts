/** The edge where node:fs errors become ours. */
import { isStillpointError, StillpointError } from '../../base/errors.ts';

/** @param doing what could not be done to which object, as "pack 1a2b3c4d could not be written in /srv/repo" */
export function fromFsError(cause: unknown, doing: string): StillpointError {
  if (isStillpointError(cause)) return cause;
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StillpointError('backend.no-space', `${capital(doing)}: there is no room left.`, {
        advice: 'Make room there, then start again.',
        details: { code },
        cause,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': {
      const [why, advice] = REFUSED[code];
      return new StillpointError('backend.denied', `${capital(doing)}: ${why} (${code}).`, {
        advice,
        details: { code },
        cause,
      });
    }
    case 'ENOENT':
    case 'ENOTDIR':
      return new StillpointError('backend.not-found', `${capital(doing)}: it is not there.`, {
        advice: 'Check that the file system is mounted and the path is right. If it is, run "stillpoint check".',
        details: { code },
        cause,
      });
    case 'ENAMETOOLONG':
    case 'ELOOP': {
      const why =
        code === 'ELOOP'
          ? 'symbolic links on the way there lead in a circle'
          : 'the path, or a name in it, is too long';
      return new StillpointError('backend.failed', `${capital(doing)}: ${why}.`, {
        advice: 'Check that the location in the configuration is right.',
        details: { code },
        cause,
        retry: 'never',
      });
    }
    default:
      return new StillpointError(
        'backend.failed',
        `${capital(doing)}: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          advice: 'Check the disk and the log of the system, then start again.',
          details: { code },
          cause,
          retry: 'maybe',
        },
      );
  }
}

const REFUSED = {
  EACCES: [
    'access is refused',
    'Check owner and permissions of it, and of the folders on the way there: who runs this has no right to it.',
  ],
  EPERM: [
    'the system does not permit it',
    'Check whose it is, and whether it is marked as never to be changed, as "lsattr" shows it.',
  ],
  EROFS: ['the file system is mounted read-only', 'Mount it so that it can be written to, then start again.'],
} as const;

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
