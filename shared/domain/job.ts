/** A job: one execution of a verb, as a durable record that every shell reads. */
import type { ErrorRecord } from '../base/errors.ts';
import type { JobOutcome, Progress } from './events.ts';
import type { JobId } from './names.ts';
import type { RunFacts } from './run-facts.ts';
import type { JobRequest, JobResult, Phase } from './verbs/verbs.ts';

export type JobState = 'queued' | 'running' | 'cancelling' | JobOutcome;

export interface Job {
  readonly id: JobId;
  readonly request: JobRequest;
  /** By which the names in the request are meant. */
  readonly configFile: string;
  readonly state: JobState;
  readonly createdAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  readonly phase: Phase | undefined;
  readonly progress: Progress | undefined;
  readonly result: JobResult | undefined;
  readonly error: ErrorRecord | undefined;
  /** What it did that lasts; known at its end. */
  readonly facts: RunFacts | undefined;
  /** The seq of the newest event. */
  readonly lastSeq: number;
}

export function isFinished(state: JobState): state is JobOutcome {
  return state !== 'queued' && state !== 'running' && state !== 'cancelling';
}
