/** The phases of a job in words, as they are shown while it runs. */

import { formatBytes } from '../../shared/base/bytes.ts';
import type { Progress } from '../../shared/domain/events.ts';
import type { Phase } from '../../shared/domain/verbs/verbs.ts';
import type { Translate } from './wording.ts';

export function phaseWords(phase: Phase, t: Translate): string {
  switch (phase) {
    case 'open':
      return t('Opening the repository');
    case 'plan':
      return t('Planning');
    case 'connect':
      return t('Connecting');
    case 'preflight':
      return t('Looking at the host');
    case 'arm':
      return t('Arming the clean-up on the host');
    case 'snapshot':
      return t('Taking the snapshot');
    case 'mount':
      return t('Mounting the snapshot');
    case 'list':
      return t('Listing files');
    case 'read':
      return t('Reading');
    case 'end-check':
      return t('Checking that the snapshot stayed valid');
    case 'commit':
      return t('Committing the restore point');
    case 'release':
      return t('Removing the snapshot from the host');
    case 'restore':
      return t('Restoring');
    case 'verify':
      return t('Reading all stored data');
    case 'check':
      return t('Checking the structure');
    case 'copy':
      return t('Copying restore points');
    case 'forget':
      return t('Forgetting restore points');
    case 'prove':
      return t('Proving what stays');
    case 'repack':
      return t('Writing what is needed into new packs');
    case 'index':
      return t('Writing the new index');
    case 'remove':
      return t('Deleting packs that nothing needs');
    case 'repair':
      return t('Repairing');
    case 'sweep':
      return t('Removing what was left behind');
  }
}

/** Done parts of a hundred, or undefined where the whole is not known. A phase that is still running is not done: 99 at most. */
export function percentDone(progress: Progress): number | undefined {
  const { bytesDone, bytesTotal, filesDone, filesTotal } = progress;
  if (bytesTotal !== undefined && bytesTotal > 0) return Math.min(99, Math.floor((bytesDone / bytesTotal) * 100));
  if (filesTotal !== undefined && filesTotal > 0) return Math.min(99, Math.floor((filesDone / filesTotal) * 100));
  return undefined;
}

/** "12 of 400 files, 3.0 MiB of 1.2 GiB". */
export function progressWords(progress: Progress, t: Translate): string {
  const files =
    progress.filesTotal === undefined
      ? t('{0} files', progress.filesDone)
      : t('{0} of {1} files', progress.filesDone, progress.filesTotal);
  const bytes =
    progress.bytesTotal === undefined
      ? formatBytes(progress.bytesDone)
      : t('{0} of {1}', formatBytes(progress.bytesDone), formatBytes(progress.bytesTotal));
  return `${files}, ${bytes}`;
}

/**
 * What cancelling does at this moment. What it means is known at the end, and reported then.
 */
export function cancelWords(phase: Phase | undefined, t: Translate): string {
  switch (phase) {
    case 'arm':
    case 'snapshot':
    case 'mount':
    case 'list':
    case 'read':
    case 'end-check':
      return t('Stopping, then removing the snapshot from the host.');
    case 'commit':
    case 'release':
      return t('The restore point may be saved already; then it stays. What is on the host is removed.');
    case 'restore':
      return t('Stopping. What came so far stays in a work folder in the target.');
    default:
      return t('Stopping. The job says at its end what it has done.');
  }
}
