/** What went wrong when ZFS made or mounted snapshots, from the exit code of our script and from what was said. */
import { quotation } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { FailedPart } from '../../remote/fragment.ts';
import { lastLines } from '../../remote/host-errors.ts';
import { CREATE_EXITS, type SnapshotOrder } from './create.ts';

/** Its complaint: where it does not like an argument, ZFS explains its whole usage after it. */
function saidBy({ stderr }: FailedPart): string {
  const complaint = stderr.split('\n').find((line) => line.startsWith('cannot '));
  return complaint === undefined ? lastLines(stderr) : ` It said: ${quotation(complaint)}.`;
}

export function createError(failed: FailedPart, { dataset, pool, all }: SnapshotOrder, host: string): StillpointError {
  const { stderr, exitCode } = failed;
  const facts = { details: { ...failed }, cause: undefined };
  const what = all.length > 1 ? `The ${all.length} snapshots of datasets of "${pool}"` : `A snapshot of "${dataset}"`;
  const failedWith = (message: string, advice: string): StillpointError =>
    new StillpointError('snapshot.create-failed', message, { advice, ...facts });
  if (exitCode === CREATE_EXITS.noPool) {
    return failedWith(
      `The pool "${pool}" on "${host}" does not answer any more: it was exported, or its devices are gone.`,
      `See "zpool status ${pool}" on the host, then run the backup again.`,
    );
  }
  if (exitCode === CREATE_EXITS.otherDataset) {
    return failedWith(
      `"${dataset}" on "${host}" is no longer the dataset that the plan found: that one went, or was renamed, and another one has its name.`,
      'Run the backup again; it looks anew.',
    );
  }
  if (/does not exist|no such pool/i.test(stderr)) {
    return failedWith(
      `${what} could not be made on "${host}", because a dataset is no longer where the plan found it: it was renamed or destroyed, or its pool exported.${saidBy(failed)}`,
      'Run the backup again; it looks anew.',
    );
  }
  if (/out of space|No space left|quota exceeded/i.test(stderr)) {
    return new StillpointError(
      'snapshot.no-room',
      `There is no room for ${all.length > 1 ? 'snapshots' : 'a snapshot'} in "${all.length > 1 ? pool : dataset}" on "${host}".${saidBy(failed)}`,
      {
        advice: `Look at "zfs list -o space -r ${pool}" and, where a quota is set, at "zfs get -r quota ${pool}"; remove what is not needed, or raise the quota.`,
        ...facts,
      },
    );
  }
  return failedWith(
    `${what} could not be made on "${host}".${saidBy(failed)}`,
    'Correct what ZFS complains of on the host, then run the backup again; the record of the job has all that it said.',
  );
}

export function mountError(failed: FailedPart, { dataset }: SnapshotOrder, host: string): StillpointError {
  return new StillpointError(
    'snapshot.mount-failed',
    `The snapshot of "${dataset}" on "${host}" could not be mounted.${lastLines(failed.stderr)}`,
    {
      advice:
        'Look whether it is still there with "zfs list -t snapshot", and at "dmesg" on the host; the record of the job has all that was said.',
      details: { ...failed },
      cause: undefined,
    },
  );
}
