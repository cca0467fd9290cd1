/** A job in words: what it does, how it goes, how it ended. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { Job, JobState } from '../../shared/domain/job.ts';
import type { JobRequest } from '../../shared/domain/verbs/verbs.ts';
import { isPartial, type JobResult } from '../../shared/domain/verbs/verbs.ts';
import { percentDone, phaseWords } from './phase-words.ts';
import { formatDuration, type Translate } from './wording.ts';

export function jobTitle(request: JobRequest, t: Translate): string {
  switch (request.kind) {
    case 'backup':
      return t('Back up "{0}"', request.source);
    case 'restore':
      return t('Restore {0} to "{1}"', request.restorePoint.slice(0, 8), request.target);
    case 'check':
      return t('Check "{0}"', request.repository);
    case 'verify':
      return t('Verify "{0}"', request.repository);
    case 'copy':
      return t('Copy from "{0}" to "{1}"', request.from, request.to);
    case 'sweep':
      return t('Sweep "{0}"', request.host);
    case 'forget':
      return t('Forget restore points in "{0}"', request.repository);
    case 'prune':
      return t('Prune "{0}"', request.repository);
    case 'repair':
      return t('Repair "{0}"', request.repository);
  }
}

export function stateWords(state: JobState, t: Translate): string {
  switch (state) {
    case 'queued':
      return t('waiting to start');
    case 'running':
      return t('running');
    case 'cancelling':
      return t('cancelling, cleaning up');
    case 'succeeded':
      return t('succeeded');
    case 'failed':
      return t('failed');
    case 'cancelled':
      return t('cancelled');
    case 'interrupted':
      return t('interrupted');
  }
}

/** The state, and for a job that runs its phase and how far it is. */
export function jobStatus(job: Job, t: Translate): string {
  const words = isPartial(job.result) ? t('succeeded in part') : stateWords(job.state, t);
  if (job.state !== 'running' || job.phase === undefined) return words;
  const percent = job.progress === undefined ? undefined : percentDone(job.progress);
  const phase = phaseWords(job.phase, t);
  return percent === undefined ? phase : t('{0}, {1} %', phase, percent);
}

export function jobDuration(job: Job): string | undefined {
  if (job.startedAt === undefined || job.finishedAt === undefined) return undefined;
  return formatDuration(Date.parse(job.finishedAt) - Date.parse(job.startedAt));
}

/** What a finished job proved, in one sentence. */
export function resultWords(result: JobResult, t: Translate): string {
  switch (result.kind) {
    case 'backup':
      return t(
        'Restore point {0}: {1} new, {2} changed and {3} unmodified files; {4} read, {5} stored.',
        result.restorePoint.slice(0, 8),
        result.files.new,
        result.files.changed,
        result.files.unmodified,
        formatBytes(result.bytesRead),
        formatBytes(result.bytesStored),
      );
    case 'restore': {
      const restored = t(
        '{0} files, {1} folders and {2} other entries, {3}, restored to "{4}".',
        result.files,
        result.folders,
        result.others,
        formatBytes(result.bytes),
        result.target,
      );
      const gaps = result.gaps === undefined ? [] : [t('The restore point is not whole: {0}', result.gaps)];
      const [first] = result.leftOut.named;
      if (first === undefined) return [restored, ...gaps].join(' ');
      const missing = t(
        '{0} entries are missing; the first is "{1}": {2}.',
        result.leftOut.count,
        first.path,
        first.reason,
      );
      return [restored, missing, ...gaps].join(' ');
    }
    case 'check':
    case 'verify':
      return result.findings.length === 0
        ? t(
            '{0} restore points, {1} packs and {2} blobs without a finding; {3} read.',
            result.restorePoints,
            result.packs,
            result.blobs,
            formatBytes(result.bytesRead),
          )
        : t('{0} findings; the log names each.', result.findings.length);
    case 'copy':
      return t(
        '{0} restore points copied, {1} were there, {2} failed; {3} stored.',
        result.copied.length,
        result.alreadyThere,
        result.failed.length,
        formatBytes(result.bytesStored),
      );
    case 'forget':
      return t('{0} restore points forgotten, {1} kept.', result.forgotten.length, result.kept);
    case 'prune':
      return t(
        '{0} freed: {1} packs deleted, {2} written.',
        formatBytes(result.figures.bytes.freed),
        result.packsDeleted,
        result.packsWritten,
      );
    case 'repair':
      return t(
        '{0} written, {1} removed, {2} lost; the log names each.',
        result.applied ? result.plan.writes.length : 0,
        result.applied ? result.plan.removes.length : 0,
        result.plan.lost.length,
      );
    case 'sweep':
      return t('{0} removed, {1} left alone.', result.removed.length, result.kept.length);
  }
}

/** What the end of a job left behind. The host is known where the job had begun to hold something there. */
export function leftBehindWords(
  title: string,
  left: readonly string[],
  host: string | undefined,
  t: Translate,
): string {
  const what = left.join(', ');
  if (host === undefined)
    return t('{0}: cleaning up failed for {1}. The log says what may be left behind.', title, what);
  return t(
    '{0}: cleaning up failed for {1}. The log says what may be left on the host; "stillpoint sweep {2}" tries again.',
    title,
    what,
    host,
  );
}
