/**
 * The façade: the one door of the shells. It opens the configuration, resolves names, starts jobs in their own process
 * and reads their records. It holds no state that matters: the durable things are the configuration, the job store and
 * the repositories, so any number of shells may be open at once and all of them see the same jobs.
 */
import { join } from 'node:path';
import { AnswerBook } from './access/answers.ts';
import { createAt, type OpenRepositoryPorts, openAt } from './access/open-repository.ts';
import { systemClock } from './base/clock.ts';
import { type Environment, readEnvironment } from './base/environment.ts';
import { type Logger, silentLogger } from './base/log.ts';
import type { Take } from './base/take.ts';
import { type ConfigPlace, type Configuration, configPlace, loadConfiguration } from './config/configuration.ts';
import { allRepositories, configuredNames, findRepository } from './config/look-up.ts';
import type { BackupPlan, ExportPlan } from './domain/backup-plan.ts';
import type { DiffChange, DiffRequest, DiffSummary } from './domain/diff.ts';
import type { RunEvent } from './domain/events.ts';
import type { FindMatch, FindRequest, FindSummary } from './domain/find.ts';
import type { ForgetPlan, ForgetRequest } from './domain/forget-plan.ts';
import type { HostInventory, HostSummary } from './domain/host.ts';
import type { Job } from './domain/job.ts';
import type { HostName, JobId, RepositoryName, RestorePointId, SourceName } from './domain/names.ts';
import { EVERY_POINT } from './domain/point-filter.ts';
import type { Prompter } from './domain/prompter.ts';
import type { PrunePlan, PruneRequest } from './domain/prune-plan.ts';
import type { NewPassword, NewRepository, RepositoryKey, UnlockReport } from './domain/repository-access.ts';
import type { FileListing, FoundPoint, PointScope, RestorePointListing } from './domain/restore-point.ts';
import type { RepositorySpec, Source } from './domain/source.ts';
import type { StatsAnswer, StatsRequest } from './domain/stats.ts';
import type { SweepPlan } from './domain/sweep-plan.ts';
import type { ExportTarget } from './domain/verbs/export.ts';
import type { JobRequest } from './domain/verbs/verbs.ts';
import { type ComparedPlace, Comparisons } from './facade/comparisons.ts';
import { HostWork } from './facade/host-work.ts';
import { listAllHosts } from './facade/hosts.ts';
import type { JobFilter } from './facade/job-directory.ts';
import { Jobs } from './facade/jobs.ts';
import { createWithSecrets, openWithSecrets, type PeoplePorts } from './facade/people.ts';
import { RepositoryAccess } from './facade/repository-access.ts';
import { RepositoryShelf } from './facade/repository-shelf.ts';
import { type ResolvedScope, RestorePoints, requireListing } from './facade/restore-points.ts';
import { planForgetting } from './pipeline/forget.ts';
import { planPruning } from './pipeline/prune.ts';
import type { OpenedRepository } from './repository/opened-repository.ts';

export type { HostKeyOffer, Prompter, Question } from './domain/prompter.ts';

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
  listSources(): Promise<readonly Source[]>;
  listRepositories(): Promise<readonly RepositorySpec[]>;
  initRepository(repository: RepositoryName, signal: AbortSignal): Promise<NewRepository>;
  planBackup(source: SourceName, signal: AbortSignal): Promise<BackupPlan>;
  planExport(source: SourceName, to: ExportTarget, signal: AbortSignal): Promise<ExportPlan>;
  /** What a sweep of the host would remove. Changes nothing. */
  planSweep(host: HostName, signal: AbortSignal): Promise<SweepPlan>;

  /** Oldest first. */
  listKeys(repository: RepositoryName, signal: AbortSignal): Promise<readonly RepositoryKey[]>;
  /** One more password; the existing ones keep working. */
  addKey(repository: RepositoryName, password: NewPassword, signal: AbortSignal): Promise<{ readonly id: string }>;
  /** Another password instead of the one that opens it now. */
  changeKey(
    repository: RepositoryName,
    password: NewPassword,
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly removed: string }>;
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
  stats(request: StatsRequest, signal: AbortSignal): Promise<StatsAnswer>;
}

export interface BrowseRequest {
  readonly repository: RepositoryName;
  readonly restorePoint: RestorePointId;
  /** "/" and the names as shown, joined by "/". */
  readonly path: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/**
 * Opens the façade. Nothing is read or connected to before it is needed; the configuration is read again for each call,
 * so an edit counts at once. Dispose it to close what it keeps open; jobs continue.
 */
export function openStillpoint(options: StillpointOptions = {}): Promise<Stillpoint> {
  return Promise.resolve(new OpenedStillpoint(options, readEnvironment()));
}

const LISTING_LIMIT = 1000;

class OpenedStillpoint implements Stillpoint {
  readonly configFile: string;
  readonly #place: ConfigPlace;
  readonly #runnerEntry: URL | undefined;
  readonly #people: PeoplePorts;
  readonly #shelf: RepositoryShelf;
  readonly #points: RestorePoints;
  readonly #access: RepositoryAccess;
  readonly #comparisons: Comparisons;
  readonly #jobs: Jobs;
  readonly #hosts: HostWork;

  constructor(options: StillpointOptions, environment: Environment) {
    const { configFile, stateFolder, prompter, logger = silentLogger, runnerEntry } = options;
    this.#place = configPlace(configFile, environment);
    this.configFile = this.#place.file;
    this.#runnerEntry = runnerEntry;
    this.#people = { book: new AnswerBook(prompter), environment, logger, clock: systemClock };
    this.#shelf = new RepositoryShelf({ logger, open: (spec, signal) => this.#openRepository(spec, signal) });
    this.#points = new RestorePoints(this.#shelf, systemClock);
    this.#comparisons = new Comparisons(this.#shelf);
    this.#access = new RepositoryAccess({
      open: (spec, signal, onChange) => this.#openRepository(spec, signal, { isFresh: true, onChange }),
      create: (spec, signal, onChange) =>
        createWithSecrets(spec, this.#people, signal, (secrets, ports) =>
          createAt(spec, secrets, { ...ports, onChange }, signal),
        ),
      people: this.#people,
    });
    this.#jobs = new Jobs(stateFolder ?? join(environment.stateHome, 'stillpoint'), logger);
    this.#hosts = new HostWork({
      people: this.#people,
      configuration: () => this.#configuration(),
      store: () => this.#jobs.store(),
    });
  }

  async listHosts(): Promise<readonly HostSummary[]> {
    return listAllHosts(await this.#configuration());
  }

  async inspectHost(name: HostName, signal: AbortSignal): Promise<HostInventory> {
    return this.#hosts.inspect(name, signal);
  }

  async listSources(): Promise<readonly Source[]> {
    return [...(await this.#configuration()).sources.values()];
  }

  async listRepositories(): Promise<readonly RepositorySpec[]> {
    return [...(await this.#configuration()).repositories.values()];
  }

  async initRepository(name: RepositoryName, signal: AbortSignal): Promise<NewRepository> {
    return this.#access.init(await this.#repository(name), signal);
  }

  async planBackup(name: SourceName, signal: AbortSignal): Promise<BackupPlan> {
    return this.#hosts.planBackup(name, signal);
  }

  async planExport(name: SourceName, to: ExportTarget, signal: AbortSignal): Promise<ExportPlan> {
    return this.#hosts.planExport(name, to, signal);
  }

  async planSweep(name: HostName, signal: AbortSignal): Promise<SweepPlan> {
    return this.#hosts.planSweep(name, signal);
  }

  async listKeys(name: RepositoryName, signal: AbortSignal): Promise<readonly RepositoryKey[]> {
    return this.#access.keys(await this.#repository(name), signal);
  }

  async addKey(name: RepositoryName, password: NewPassword, signal: AbortSignal): Promise<{ id: string }> {
    return this.#access.add(await this.#repository(name), password, signal);
  }

  async changeKey(
    name: RepositoryName,
    password: NewPassword,
    signal: AbortSignal,
  ): Promise<{ id: string; removed: string }> {
    return this.#access.change(await this.#repository(name), password, signal);
  }

  async removeKey(name: RepositoryName, key: string, signal: AbortSignal): Promise<{ removed: string }> {
    return this.#access.remove(await this.#repository(name), key, signal);
  }

  async unlockRepository(name: RepositoryName, which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport> {
    return this.#access.unlock(await this.#repository(name), which, signal);
  }

  async planForget({ repository, ...settings }: ForgetRequest, signal: AbortSignal): Promise<ForgetPlan> {
    const configured = configuredNames(await this.#configuration());
    return planForgetting(settings, { ...(await this.#maintenancePorts(repository)), configured }, signal);
  }

  async planPrune({ repository, options }: PruneRequest, signal: AbortSignal): Promise<PrunePlan> {
    return planPruning(options, await this.#maintenancePorts(repository), signal);
  }

  async startJob(request: JobRequest, signal: AbortSignal): Promise<{ job: Job; alreadyRunning: boolean }> {
    const ports = {
      configuration: await this.#configuration(),
      people: this.#people,
      shelf: this.#shelf,
      runnerEntry: this.#runnerEntry,
    };
    return this.#jobs.start(request, ports, signal);
  }

  findJob(id: JobId): Promise<Job> {
    return this.#jobs.find(id);
  }

  listJobs(filter: JobFilter = {}): Promise<readonly Job[]> {
    return this.#jobs.list(filter);
  }

  cancelJob(id: JobId): Promise<Job> {
    return this.#jobs.cancel(id);
  }

  followJob(id: JobId, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    return this.#jobs.follow(id, afterSeq, signal);
  }

  watchJobs(onChange: () => void): Disposable {
    return this.#jobs.watch(onChange);
  }

  async listRestorePoints(scope: PointScope, signal: AbortSignal): Promise<RestorePointListing> {
    return this.#points.list(await this.#scope(scope), signal);
  }

  async findRestorePoint(scope: PointScope, point: string, signal: AbortSignal): Promise<FoundPoint> {
    return this.#points.find(await this.#scope(scope), point, signal);
  }

  async browse(request: BrowseRequest, signal: AbortSignal): Promise<FileListing> {
    const { repository, restorePoint, path, limit = LISTING_LIMIT, cursor } = request;
    requireListing({ path, limit });
    const spec = findRepository(await this.#configuration(), repository);
    return this.#points.browse(spec, restorePoint, { path, limit, cursor }, signal);
  }

  async diff(request: DiffRequest, onChange: Take<DiffChange>, signal: AbortSignal): Promise<DiffSummary> {
    return this.#comparisons.diff(await this.#compared(request.repository), request, onChange, signal);
  }

  async find(request: FindRequest, onMatch: Take<FindMatch>, signal: AbortSignal): Promise<FindSummary> {
    return this.#comparisons.find(await this.#compared(request.repository), request, onMatch, signal);
  }

  async stats(request: StatsRequest, signal: AbortSignal): Promise<StatsAnswer> {
    return this.#comparisons.stats(await this.#compared(request.repository), request, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shelf[Symbol.asyncDispose]();
    await this.#jobs[Symbol.asyncDispose]();
  }

  #configuration(): Promise<Configuration> {
    return loadConfiguration(this.#place, this.#people.environment.home);
  }

  async #repository(name: RepositoryName): Promise<RepositorySpec> {
    return findRepository(await this.#configuration(), name);
  }

  async #maintenancePorts(name: RepositoryName) {
    const spec = await this.#repository(name);
    return {
      openRepository: (signal: AbortSignal) => this.#openRepository(spec, signal, { isFresh: true }),
      clock: systemClock,
    };
  }

  async #compared(name: RepositoryName): Promise<ComparedPlace> {
    const configuration = await this.#configuration();
    return { spec: findRepository(configuration, name), configured: configuredNames(configuration) };
  }

  async #scope({ repository, filter = EVERY_POINT }: PointScope): Promise<ResolvedScope> {
    const configuration = await this.#configuration();
    return {
      specs: repository === undefined ? allRepositories(configuration) : [findRepository(configuration, repository)],
      filter,
      sources: [...configuration.sources.values()],
      configured: configuredNames(configuration),
    };
  }

  /** `isFresh` for what is decided about the store itself: no copies of its files on this machine are used. */
  #openRepository(
    spec: RepositorySpec,
    signal: AbortSignal,
    special: Pick<OpenRepositoryPorts, 'isFresh' | 'onChange'> = {},
  ): Promise<OpenedRepository> {
    return openWithSecrets(spec, this.#people, signal, (secrets, ports) =>
      openAt(spec, secrets, { ...ports, ...special }, signal),
    );
  }
}
