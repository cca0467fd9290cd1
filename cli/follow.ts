/**
 * Following a job to its end. The job lives in a process of its own and does not need us: whatever happens to this
 * one, the run and its clean-up continue. Ctrl-C therefore asks the job to stop and waits for its clean-up; a second
 * Ctrl-C only stops watching, and says so.
 */

import { abortable } from '../shared/base/cancel.ts';
import type { ErrorRecord } from '../shared/base/errors.ts';
import { toErrorRecord } from '../shared/base/errors.ts';
import type { JobOutcome, RunEvent } from '../shared/domain/events.ts';
import { isFinished, type Job } from '../shared/domain/job.ts';
import type { RunFacts } from '../shared/domain/run-facts.ts';
import type { JobResult } from '../shared/domain/verbs/verbs.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';
import type { Interrupts } from './interrupts.ts';

export type FollowEnd =
  | {
      readonly kind: 'finished';
      readonly outcome: JobOutcome;
      readonly result: JobResult | undefined;
      readonly error: ErrorRecord | undefined;
      readonly facts: RunFacts | undefined;
    }
  /** The person stopped watching; the job continues. */
  | { readonly kind: 'left' };

export interface FollowWatcher {
  onEvent(event: RunEvent): void;
  /** The first Ctrl-C: the job was asked to stop. */
  onCancelling(): void;
  onCancelFailed(error: ErrorRecord): void;
}

export interface FollowOptions {
  readonly job: Job;
  readonly interrupts: Interrupts;
  readonly watcher: FollowWatcher;
  /** What the watcher printed and the reader has not taken yet; until it has, further events stay in the job's log. */
  readonly drained: () => Promise<void> | undefined;
  /** `cancel`: the first Ctrl-C stops the job. `leave`: it only stops watching. */
  readonly onInterrupt: 'cancel' | 'leave';
}

export async function follow(stillpoint: Stillpoint, options: FollowOptions): Promise<FollowEnd> {
  const { job, interrupts, watcher } = options;
  const watching = new AbortController();
  let asked = false;
  using _ = interrupts.take(() => {
    if (asked || options.onInterrupt === 'leave') {
      watching.abort();
      return;
    }
    asked = true;
    watcher.onCancelling();
    stillpoint.cancelJob(job.id).catch((error: unknown) => watcher.onCancelFailed(toErrorRecord(error)));
  });
  try {
    for await (const event of stillpoint.followJob(job.id, 0, watching.signal)) {
      watcher.onEvent(event);
      const drained = options.drained();
      if (drained !== undefined) await abortable(drained, watching.signal);
      if (event.type === 'job-finished') {
        const { outcome, result, error, facts } = event;
        return { kind: 'finished', outcome, result, error, facts };
      }
    }
  } catch (error) {
    if (!watching.signal.aborted) throw error;
  }
  if (watching.signal.aborted) return { kind: 'left' };
  return endOf(await stillpoint.findJob(job.id));
}

/** A log that ends without its last event belongs to a runner that is gone; the record then knows more than the log. */
function endOf(job: Job): FollowEnd {
  if (!isFinished(job.state)) return { kind: 'left' };
  return { kind: 'finished', outcome: job.state, result: job.result, error: job.error, facts: job.facts };
}
