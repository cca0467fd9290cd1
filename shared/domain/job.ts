/** A job: one execution of a verb, as a durable record that every shell reads. */
import type { ErrorRecord } from '../base/errors.ts';
import type { JobOutcome, Phase, Progress } from './events.ts';
import type { ForgetRequest } from './forget-plan.ts';
import type { HostName, JobId, RepositoryName, SourceName } from './names.ts';
import type { PlanId } from './plan-id.ts';
import type { PointFilter } from './point-filter.ts';
import type { PruneRequest } from './prune-plan.ts';
import type { RepairScope } from './repair-plan.ts';
import type { JobResult } from './report.ts';
import type { RunFacts } from './run-facts.ts';
import type { VerifySubset } from './verify-subset.ts';

/**
 * What a job is to do. Plain JSON: it is written to disk before the runner starts. `noLock`: what is only read is read
 * without a lock, also where one could be taken.
 */
export type JobRequest =
  /** `acceptClockSkew`: a person has decided so, see `host.clock-skew`. */
  | {
      readonly kind: 'backup';
      readonly source: SourceName;
      readonly plan?: PlanId | undefined;
      readonly acceptClockSkew?: boolean;
    }
  | {
      readonly kind: 'restore';
      readonly repository: RepositoryName;
      readonly restorePoint: string;
      /** Paths inside the restore point; empty means all of it. */
      readonly paths: readonly string[];
      readonly target: string;
      /** Other names for what the target cannot hold; otherwise the restore refuses. */
      readonly rename?: boolean;
      readonly noLock?: boolean;
    }
  /** `headers`: also compare the header of every pack with the index. */
  | {
      readonly kind: 'check';
      readonly repository: RepositoryName;
      readonly headers?: boolean;
      readonly noLock?: boolean;
    }
  | {
      readonly kind: 'verify';
      readonly repository: RepositoryName;
      readonly subset?: VerifySubset;
      readonly noLock?: boolean;
    }
  | {
      readonly kind: 'copy';
      readonly from: RepositoryName;
      readonly to: RepositoryName;
      /** Ids, starts of ids, or "latest"; none means all that fit the filter. */
      readonly restorePoints: readonly string[];
      readonly filter: PointFilter;
      /** For the repository that is read. */
      readonly noLock?: boolean;
    }
  | { readonly kind: 'sweep'; readonly host: HostName; readonly plan?: PlanId | undefined }
  | ({ readonly kind: 'forget'; readonly plan?: PlanId | undefined } & ForgetRequest)
  | ({ readonly kind: 'prune'; readonly plan?: PlanId | undefined } & PruneRequest)
  /** Without `apply` only the plan is made: finding what is damaged may take as long as a verify. */
  | {
      readonly kind: 'repair';
      readonly repository: RepositoryName;
      readonly scope: RepairScope;
      readonly apply: boolean;
      readonly plan?: PlanId | undefined;
    };

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
