/** What a runner hands to a verb of the pipeline, and what it expects back. */

import type { RepositorySecrets } from '../access/repository-secrets.ts';
import type { Clock } from '../base/clock.ts';
import type { Environment } from '../base/environment.ts';
import type { Logger } from '../base/log.ts';
import type { Configuration } from '../config/configuration.ts';
import type { EmitEvent } from '../domain/events.ts';
import type { OwnerId, RepositoryName } from '../domain/names.ts';
import type { Prompter } from '../domain/prompter.ts';
import type { JobKind, JobRequest, JobResult, ReportOf, RequestOf } from '../domain/verbs/verbs.ts';
import type { OwnRuns } from '../pipeline/own-runs.ts';
import type { StoreEvents } from './store-events.ts';

export interface VerbPorts {
  /** As it was when the job began; edits count from the next job on. */
  readonly configuration: Configuration;
  readonly owner: OwnerId;
  readonly environment: Environment;
  /** A private folder for files that live as long as the run. */
  readonly workFolder: string;
  /** A private folder by which another process can go on with the run. */
  readonly journalFolder: string;
  /** For what stays from run to run of one source; not there before the first. */
  readonly rememberedFile: string;
  /** Answers what a person was asked before the start, declines the rest. */
  readonly prompter: Prompter;
  /** Errors: `config.secret-unavailable`. */
  repositorySecrets(repository: RepositoryName): RepositorySecrets;
  readonly runs: OwnRuns;
  readonly emit: EmitEvent;
  readonly storeEvents: StoreEvents;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Does one thing and says what it proved. On the signal it stops, cleans up on its own clock, and throws the signal's
 * reason. What it could not clean up it tells as `cleanup-failed`: the next job on the host then sweeps first.
 */
type Verb<Request, Result> = (request: Request, ports: VerbPorts, signal: AbortSignal) => Promise<Result>;

export type Verbs = { readonly [K in JobKind]: Verb<RequestOf<K>, ReportOf<K>> };

/** Every verb is given what is of its own kind; the types cannot follow that through the table. */
export function runVerb(verbs: Verbs, request: JobRequest, ports: VerbPorts, signal: AbortSignal): Promise<JobResult> {
  return (verbs[request.kind] as Verb<JobRequest, JobResult>)(request, ports, signal);
}
