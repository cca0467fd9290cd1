/**
 * The edge where refusals of an SFTP server become ours. Version 3 has one word, "failure", for a full disk, a disk
 * that is mounted read-only and much else; where the server tells of its space, that is asked before anything is said.
 */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { STATUS } from '../../remote/sftp/packets.ts';
import type { SftpClient } from '../../remote/sftp/sftp-client.ts';
import { sftpStatusOf } from '../../remote/sftp/sftp-errors.ts';

export interface Refused {
  /** What could not be done to which object, as "Pack 1a2b3c4d could not be written in sftp:nas:/srv/repo". */
  readonly doing: string;
  /** The folder of the repository. */
  readonly folder: string;
  readonly neededBytes: number;
}

/** A StillpointError passes as it is: the way to the host has its own words. So does what is not an answer of a server. */
export async function fromSftp(cause: unknown, client: SftpClient, refused: Refused): Promise<unknown> {
  if (isStillpointError(cause)) return cause;
  const { doing } = refused;
  switch (sftpStatusOf(cause)) {
    case STATUS.noSuchFile:
      return new StillpointError('backend.not-found', `${doing}: it is not there.`, {
        advice:
          'Check that the file system is mounted on the host and the path is right. If it is, run "stillpoint check".',
        cause,
      });
    case STATUS.permissionDenied:
      return denied(doing, 'access is refused', RIGHTS, cause);
    case STATUS.writeProtected:
      return denied(doing, READ_ONLY, WRITABLE, cause);
    case STATUS.noSpace:
    case STATUS.quotaExceeded:
      return noSpace(doing, cause);
    case STATUS.failure:
      return (await askSpace(cause, client, refused)) ?? failed(doing, cause);
    case undefined:
      return cause;
    default:
      return failed(doing, cause);
  }
}

async function askSpace(
  cause: unknown,
  client: SftpClient,
  { doing, folder, neededBytes }: Refused,
): Promise<StillpointError | undefined> {
  if (neededBytes === 0 || !client.has('statvfs@openssh.com')) return undefined;
  const space = await client.space(folder).catch(() => undefined);
  if (space === undefined) return undefined;
  if (space.isReadOnly) return denied(doing, READ_ONLY, WRITABLE, cause);
  // Some file systems make inodes as they go and call their number 0 forever; they are full only in bytes.
  return space.freeBytes < neededBytes ? noSpace(doing, cause) : undefined;
}

const RIGHTS =
  'Check owner and permissions of it on the host, and of the folders on the way there: who logs in has no right to it.';
const READ_ONLY = 'the file system is mounted read-only';
const WRITABLE = 'Mount it on the host so that it can be written to, then start again.';

function denied(doing: string, why: string, advice: string, cause: unknown): StillpointError {
  return new StillpointError('backend.denied', `${doing}: ${why}.`, { advice, cause });
}

function noSpace(doing: string, cause: unknown): StillpointError {
  return new StillpointError('backend.no-space', `${doing}: there is no room left.`, {
    advice: 'Make room there, then start again.',
    cause,
  });
}

function failed(doing: string, cause: unknown): StillpointError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StillpointError('backend.failed', `${doing}: the server says "${why}".`, {
    advice: 'Check disk, quota and log of the host, then start again.',
    details: { status: sftpStatusOf(cause) },
    cause,
    retry: 'maybe',
  });
}
