/** What went wrong when Btrfs made or mounted a snapshot, from the exit code of our script and from what was said. */
import { StillpointError } from '../../base/errors.ts';
import type { FailedPart } from '../../remote/fragment.ts';
import { lastLines } from '../../remote/host-errors.ts';
import { OURS } from './naming.ts';
import { INNER_EXITS } from './private-namespace.ts';

/** @param volume of which it was to be one */
export function createError(failed: FailedPart, volume: string, host: string): StillpointError {
  const { stderr, exitCode } = failed;
  const facts = { details: { ...failed }, cause: undefined };
  const failedWith = (message: string, advice: string): StillpointError =>
    new StillpointError('snapshot.create-failed', message, { advice, ...facts });
  if (exitCode === INNER_EXITS.notOurs) {
    return failedWith(
      `"${OURS}" at the top level of the Btrfs of "${volume}" on "${host}" is not ours, so no snapshot is put into it.`,
      `It must be a real folder of root with mode 0700. See what it is ("mount -o subvolid=5" shows the top level), and remove or rename it.`,
    );
  }
  if (exitCode === INNER_EXITS.noOrigin) {
    return failedWith(
      `"${volume}" on "${host}" is no longer where the plan found it: it went, or got another name or place.${lastLines(stderr)}`,
      'Run the backup again; it looks anew.',
    );
  }
  if (/No space left|Disk quota exceeded/i.test(stderr)) {
    return new StillpointError(
      'snapshot.no-room',
      `The Btrfs of "${volume}" on "${host}" has no room for a snapshot.${lastLines(stderr)}`,
      {
        advice:
          'Look at "btrfs filesystem usage" and, where quotas are counted, at "btrfs qgroup show"; remove what is not needed, or add a device.',
        ...facts,
      },
    );
  }
  if (/Text file busy/i.test(stderr)) {
    return failedWith(
      `"${volume}" on "${host}" holds a file that is swapped to, and Btrfs makes no snapshot of such a subvolume.`,
      '"swapon --show" names it. Put it into a subvolume of its own, and that under "exclude".',
    );
  }
  if (/Read-only file system/i.test(stderr)) {
    return failedWith(
      `The Btrfs of "${volume}" on "${host}" is read-only.`,
      'See "dmesg" on the host: after an error Btrfs makes itself read-only.',
    );
  }
  if (exitCode === INNER_EXITS.otherFileSystem || exitCode === INNER_EXITS.notMounted) {
    return failedWith(
      `The top level of the Btrfs of "${volume}" on "${host}" cannot be mounted.${lastLines(stderr)}`,
      'It was unmounted, or its device has another name now. Run the backup again; it looks anew.',
    );
  }
  return failedWith(
    `A snapshot of "${volume}" could not be made on "${host}".${lastLines(stderr)}`,
    'Correct what Btrfs complains of on the host, then run the backup again; the record of the job has all that it said.',
  );
}

export function mountError(failed: FailedPart, volume: string, host: string): StillpointError {
  return new StillpointError(
    'snapshot.mount-failed',
    `The snapshot of "${volume}" on "${host}" could not be mounted.${lastLines(failed.stderr)}`,
    {
      advice: 'Look at "dmesg" on the host; the record of the job has all that was said.',
      details: { ...failed },
      cause: undefined,
    },
  );
}
