/** Going on with a job whose process is gone. */
import { StillpointError } from '../base/errors.ts';
import type { Job, JobState } from './job.ts';
import { type JobRequest, verbOf } from './verbs/verbs.ts';

const ENDED: Readonly<Partial<Record<JobState, string>>> = {
  queued: 'it is waiting',
  running: 'it is running',
  cancelling: 'it is about to stop',
  succeeded: 'it has succeeded',
  failed: 'it ended by itself, with an error',
  cancelled: 'it was cancelled',
};

/** What a job asks for that goes on with this one. Errors: `job.cannot-resume`. */
export function resumingRequest({ id, request, state }: Job): JobRequest {
  const resumed = verbOf(request).resuming?.(request, id);
  const why = resumed === undefined ? 'what it does can only be begun anew' : ENDED[state];
  if (resumed !== undefined && why === undefined) return resumed;
  throw new StillpointError('job.cannot-resume', `The job ${id} cannot be taken up: ${why}.`, {
    advice: '"stillpoint jobs --state interrupted" lists those whose process is gone.',
    details: { job: id, state },
    cause: undefined,
  });
}
