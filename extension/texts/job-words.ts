/** How a job goes and how it ended, in words that are the same for all kinds. */
import type { Job, JobState } from '../../shared/domain/job.ts';
import { isPartial } from '../../shared/domain/verbs/verbs.ts';
import { phaseWords } from '../verbs.ts';
import { percentDone } from './progress-words.ts';
import { formatDuration, type Translate } from './wording.ts';

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
  const phase = phaseWords(job.request.kind, job.phase, t);
  return percent === undefined ? phase : t('{0}, {1} %', phase, percent);
}

export function jobDuration(job: Job): string | undefined {
  if (job.startedAt === undefined || job.finishedAt === undefined) return undefined;
  return formatDuration(Date.parse(job.finishedAt) - Date.parse(job.startedAt));
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
