/**
 * The façade: the one door of the shells. It opens the configuration, resolves names, starts jobs in their own process
 * and reads their records. It holds no state that matters: the durable things are the configuration, the job store and
 * the repositories, so any number of shells may be open at once and all of them see the same jobs.
 */
import type { Logger } from './base/log.ts';
import type { BackupPlan } from './domain/backup-plan.ts';
import type { RunEvent } from './domain/events.ts';
import type { HostInventory, HostSummary } from './domain/host.ts';
import type { Job, JobRequest, JobState } from './domain/job.ts';
import type { HostName, JobId, RepositoryName, RestorePointId, SourceName } from './domain/names.ts';
import type { Prompter } from './domain/prompter.ts';
import type { FileListing, RestorePointSummary } from './domain/restore-point.ts';
import type { RepositorySpec, Source } from './domain/source.ts';

export type { HostKeyOffer, Prompter, Question } from './domain/prompter.ts';

export interface StillpointOptions {
  /** The configuration file; default: STILLPOINT_CONFIG, else the user's config folder. */
  readonly configFile?: string;
  /** Where jobs are kept; default: the user's state folder. */
  readonly stateFolder?: string;
  readonly prompter?: Prompter;
  readonly logger?: Logger;
}

export interface Stillpoint extends AsyncDisposable {
  readonly configFile: string;
  listHosts(signal: AbortSignal): Promise<readonly HostSummary[]>;
  inspectHost(host: HostName, signal: AbortSignal): Promise<HostInventory>;
  listSources(): Promise<readonly Source[]>;
  listRepositories(): Promise<readonly RepositorySpec[]>;
  initRepository(repository: RepositoryName, signal: AbortSignal): Promise<{ readonly id: string }>;
  planBackup(source: SourceName, signal: AbortSignal): Promise<BackupPlan>;

  /** Writes a durable job, hands it to a process of its own and returns; a running job for the same thing is returned instead. */
  startJob(request: JobRequest, signal: AbortSignal): Promise<{ readonly job: Job; readonly alreadyRunning: boolean }>;
  findJob(id: JobId): Promise<Job>;
  /** Newest first. */
  listJobs(filter?: { readonly states?: readonly JobState[]; readonly limit?: number }): Promise<readonly Job[]>;
  /** Asks the runner to stop and clean up; returns at once. */
  cancelJob(id: JobId): Promise<Job>;
  /** Events from `afterSeq` on, live, ending after `job-finished`. */
  followJob(id: JobId, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent>;
  /** Fires on any change in the job store; dispose to stop watching. */
  watchJobs(onChange: () => void): Disposable;

  /** Newest first. */
  listRestorePoints(
    filter: { readonly repository?: RepositoryName; readonly source?: SourceName; readonly hostname?: string },
    signal: AbortSignal,
  ): Promise<readonly RestorePointSummary[]>;
  /** `point` is an id, the start of one, or "latest". */
  findRestorePoint(
    repository: RepositoryName | undefined,
    point: string,
    signal: AbortSignal,
  ): Promise<RestorePointSummary>;
  browse(request: BrowseRequest, signal: AbortSignal): Promise<FileListing>;
}

export interface BrowseRequest {
  readonly repository: RepositoryName;
  readonly restorePoint: RestorePointId;
  /** "/" and the names as shown, joined by "/". */
  readonly path: string;
  readonly limit?: number;
  readonly cursor?: string;
}
