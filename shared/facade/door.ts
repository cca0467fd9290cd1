/** What the shells can ask for; `stillpoint.ts` opens it. */
import type { Logger } from '../base/log.ts';
import type { Take } from '../base/take.ts';
import type { BackupPlan, ExportPlan } from '../domain/backup-plan.ts';
import type { DiffChange, DiffRequest, DiffSummary } from '../domain/diff.ts';
import type { RunEvent } from '../domain/events.ts';
import type { FindMatch, FindRequest, FindSummary } from '../domain/find.ts';
import type { ForgetPlan, ForgetRequest } from '../domain/forget-plan.ts';
import type { HostInventory, HostSummary } from '../domain/host.ts';
import type { Job } from '../domain/job.ts';
import type { KeptListing } from '../domain/kept.ts';
import type { CompareRequest, KeptChange, KeptComparison } from '../domain/kept-comparison.ts';
import type { DropPlan, KeepPlan } from '../domain/kept-plans.ts';
import type { KeptTaken, TakeRequest } from '../domain/kept-take.ts';
import type { HostName, JobId, RepositoryName, SourceName } from '../domain/names.ts';
import type { NewVolume, NewVolumePlan, NewVolumeRequest } from '../domain/new-volume.ts';
import type { PlanId } from '../domain/plan-id.ts';
import type { StreamReport, StreamRequest } from '../domain/point-stream.ts';
import type { Prompter } from '../domain/prompter.ts';
import type { PrunePlan, PruneRequest } from '../domain/prune-plan.ts';
import type { HostReadiness } from '../domain/readiness.ts';
import type { KeyListing, NewKey, NewPassword, NewRepository, UnlockReport } from '../domain/repository-access.ts';
import type {
  BrowseRequest,
  FileListing,
  FoundPoint,
  PointScope,
  RestorePointListing,
} from '../domain/restore-point.ts';
import type { SetupPlan, SetupRequest } from '../domain/setup-plan.ts';
import type { HostSpec, RepositorySpec, Source } from '../domain/source.ts';
import type { StatsAnswer, StatsRequest } from '../domain/stats.ts';
import type { SweepPlan } from '../domain/sweep-plan.ts';
import type { DropChoice } from '../domain/verbs/drop.ts';
import type { ExportTarget } from '../domain/verbs/export.ts';
import type { KeepJobRequest } from '../domain/verbs/keep.ts';
import type { JobRequest } from '../domain/verbs/verbs.ts';
import type { JobFilter } from './job-directory.ts';

export interface StillpointOptions {
  /** The configuration file; default: STILLPOINT_CONFIG, else the user's configuration folder. */
  readonly configFile?: string;
  /** Where jobs are kept; default: the user's state folder. */
  readonly stateFolder?: string;
  readonly prompter?: Prompter;
  readonly logger?: Logger;
  /** The program that runs jobs; default: the one beside the source or the bundle. */
  readonly runnerEntry?: URL;
}

export interface Stillpoint extends AsyncDisposable {
  readonly configFile: string;
  listHosts(signal: AbortSignal): Promise<readonly HostSummary[]>;
  inspectHost(host: HostName, signal: AbortSignal): Promise<HostInventory>;
  /** What to see to on a host before a backup, and sources as they could stand in the configuration. Changes nothing. */
  adviseHost(host: HostName, signal: AbortSignal): Promise<HostReadiness>;
  /** What would be written into the configuration. Changes nothing. */
  planSetup(request: SetupRequest): Promise<SetupPlan>;
  /** Writes it, and makes the repository where that is part of it. Refuses when the plan is no longer this one. */
  applySetup(request: SetupRequest, plan: PlanId, signal: AbortSignal): Promise<SetupPlan>;
  /** What would be made of an empty device of a host. Changes nothing. */
  planVolume(request: NewVolumeRequest, signal: AbortSignal): Promise<NewVolumePlan>;
  /** Makes it: only ever for a person who has typed the name of the device. Refuses when the plan is no longer this one. */
  makeVolume(request: NewVolumeRequest, plan: PlanId, signal: AbortSignal): Promise<NewVolume>;
  listSources(): Promise<readonly Source[]>;
  listRepositories(): Promise<readonly RepositorySpec[]>;
  initRepository(repository: RepositoryName, signal: AbortSignal): Promise<NewRepository>;
  planBackup(source: SourceName, signal: AbortSignal): Promise<BackupPlan>;
  planExport(source: SourceName, to: ExportTarget, signal: AbortSignal): Promise<ExportPlan>;
  /** What a sweep of the host would remove. Changes nothing. */
  planSweep(host: HostName, signal: AbortSignal): Promise<SweepPlan>;
  /** Refuses a folder of this machine that cannot be restored into, as far as that is seen without a restore point. Changes nothing. */
  judgeRestoreTarget(folder: string, mayHoldMore: boolean): Promise<void>;

  /** By which OpenSSH knows a host. */
  findLogin(host: HostName): Promise<Pick<HostSpec, 'ssh' | 'sshConfigFile'>>;
  /** Snapshots that are kept on a host on purpose, and in what state they are. Changes nothing. */
  listKept(host: HostName, signal: AbortSignal): Promise<KeptListing>;
  /** What differs, each change reported as it is found. Reads no content. */
  compareKept(request: CompareRequest, onChange: Take<KeptChange>, signal: AbortSignal): Promise<KeptComparison>;
  /** Copies a file or a folder of a kept set to a place of the same host at which nothing is. */
  takeKept(request: TakeRequest, signal: AbortSignal): Promise<KeptTaken>;
  planKeep(request: KeepJobRequest, signal: AbortSignal): Promise<KeepPlan>;
  planDrop(host: HostName, choice: DropChoice, signal: AbortSignal): Promise<DropPlan>;

  listKeys(repository: RepositoryName, signal: AbortSignal): Promise<KeyListing>;
  /** One more password; the existing ones keep working. */
  addKey(repository: RepositoryName, password: NewPassword, signal: AbortSignal): Promise<NewKey>;
  /** Another password instead of the one that opens it now. */
  changeKey(
    repository: RepositoryName,
    password: NewPassword,
    signal: AbortSignal,
  ): Promise<NewKey & { readonly removed: string }>;
  /** Never the one in use, nor the last one. `key` is an id or the start of one. */
  removeKey(repository: RepositoryName, key: string, signal: AbortSignal): Promise<{ readonly removed: string }>;
  /** Removes abandoned locks; `all` takes also those of living processes and is for a person to decide. */
  unlockRepository(repository: RepositoryName, which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport>;

  /** What would be forgotten and why, with what a prune would then do where it is asked for. Changes nothing. */
  planForget(request: ForgetRequest, signal: AbortSignal): Promise<ForgetPlan>;
  planPrune(request: PruneRequest, signal: AbortSignal): Promise<PrunePlan>;

  /** Writes a durable job, hands it to a process of its own and returns; a running job for the same thing is returned instead. */
  startJob(request: JobRequest, signal: AbortSignal): Promise<{ readonly job: Job; readonly alreadyRunning: boolean }>;
  findJob(id: JobId): Promise<Job>;
  /** Newest first. */
  listJobs(filter?: JobFilter): Promise<readonly Job[]>;
  /** Asks the runner to stop and clean up; returns at once. */
  cancelJob(id: JobId): Promise<Job>;
  /** Events from `afterSeq` on, live, ending after `job-finished`. */
  followJob(id: JobId, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent>;
  /** Fires on any change in the job store; dispose to stop watching. */
  watchJobs(onChange: () => void): Disposable;

  /**
   * An empty list is never the answer to an empty configuration (`config.unknown-repository`), nor to a filter with a
   * name that nothing bears (`usage.unknown-name`).
   */
  listRestorePoints(scope: PointScope, signal: AbortSignal): Promise<RestorePointListing>;
  /**
   * `point` is an id, the start of one, or "latest", which is refused while a restore point cannot be read that may be
   * it. Where several repositories are asked, one that cannot be is a note, unless the answer depends on it.
   */
  findRestorePoint(scope: PointScope, point: string, signal: AbortSignal): Promise<FoundPoint>;
  browse(request: BrowseRequest, signal: AbortSignal): Promise<FileListing>;
  /** What differs, each change reported as it is found, in the order of the paths. */
  diff(request: DiffRequest, onChange: Take<DiffChange>, signal: AbortSignal): Promise<DiffSummary>;
  /** Files by name, each reported as it is found, newest restore point first. */
  find(request: FindRequest, onMatch: Take<FindMatch>, signal: AbortSignal): Promise<FindSummary>;
  /** A restore point, or paths of it, as a tar stream; the memory of a part is used again when `onPart` is done with it. */
  streamPoint(request: StreamRequest, onPart: Take<Uint8Array>, signal: AbortSignal): Promise<StreamReport>;
  stats(request: StatsRequest, signal: AbortSignal): Promise<StatsAnswer>;
}
