/**
 * The façade: the one door of the shells. It opens the configuration, resolves names, starts jobs in their own process
 * and reads their records. It holds no state that matters: the durable things are the configuration, the job store and
 * the repositories, so any number of shells may be open at once and all of them see the same jobs.
 */
import { join } from 'node:path';
import { AnswerBook } from './access/answers.ts';
import { createAt, type OpenRepositoryPorts, openAt } from './access/open-repository.ts';
import { never } from './base/cancel.ts';
import { systemClock } from './base/clock.ts';
import { type Environment, readEnvironment } from './base/environment.ts';
import { silentLogger } from './base/log.ts';
import type { Take } from './base/take.ts';
import { type ConfigPlace, type Configuration, configPlace, loadConfiguration } from './config/configuration.ts';
import { configuredNames, findRepository } from './config/look-up.ts';
import type { BackupPlan, ExportPlan } from './domain/backup-plan.ts';
import type { DiffChange, DiffRequest, DiffSummary } from './domain/diff.ts';
import type { RunEvent } from './domain/events.ts';
import type { FindMatch, FindRequest, FindSummary } from './domain/find.ts';
import type { ForgetPlan, ForgetRequest } from './domain/forget-plan.ts';
import type { HostInventory, HostSummary } from './domain/host.ts';
import type { Job } from './domain/job.ts';
import type { KeptListing } from './domain/kept.ts';
import type { CompareRequest, KeptChange, KeptComparison } from './domain/kept-comparison.ts';
import type { DropPlan, KeepPlan } from './domain/kept-plans.ts';
import type { KeptTaken, TakeRequest } from './domain/kept-take.ts';
import type { HostName, JobId, RepositoryName, SourceName } from './domain/names.ts';
import type { NewVolume, NewVolumePlan, NewVolumeRequest } from './domain/new-volume.ts';
import type { PlanId } from './domain/plan-id.ts';
import type { StreamReport, StreamRequest } from './domain/point-stream.ts';
import type { PrunePlan, PruneRequest } from './domain/prune-plan.ts';
import type { HostReadiness } from './domain/readiness.ts';
import type { KeyListing, NewKey, NewPassword, NewRepository, UnlockReport } from './domain/repository-access.ts';
import type {
  BrowseRequest,
  FileListing,
  FoundPoint,
  PointScope,
  RestorePointListing,
} from './domain/restore-point.ts';
import type { SetupPlan, SetupRequest } from './domain/setup-plan.ts';
import type { HostSpec, RepositorySpec, Source } from './domain/source.ts';
import type { StatsAnswer, StatsRequest } from './domain/stats.ts';
import type { SweepPlan } from './domain/sweep-plan.ts';
import type { DropChoice } from './domain/verbs/drop.ts';
import type { ExportTarget } from './domain/verbs/export.ts';
import type { KeepJobRequest } from './domain/verbs/keep.ts';
import type { JobRequest } from './domain/verbs/verbs.ts';
import { type ComparedPlace, Comparisons } from './facade/comparisons.ts';
import type { Stillpoint, StillpointOptions } from './facade/door.ts';
import { HostWork } from './facade/host-work.ts';
import { findHost, listAllHosts } from './facade/hosts.ts';
import type { JobFilter } from './facade/job-directory.ts';
import { Jobs } from './facade/jobs.ts';
import { createWithSecrets, openWithSecrets, type PeoplePorts } from './facade/people.ts';
import { RepositoryAccess } from './facade/repository-access.ts';
import { RepositoryShelf } from './facade/repository-shelf.ts';
import { type ResolvedScope, RestorePoints, resolveScope } from './facade/restore-points.ts';
import { applySetup, planSetup, type SetupPorts } from './facade/setup.ts';
import { requireUsablePlaces } from './facade/usable-places.ts';
import { planForgetting } from './pipeline/forget.ts';
import { planPruning } from './pipeline/prune.ts';
import { judgeTarget } from './pipeline/restore/judge-target.ts';
import { streamPoint } from './pipeline/stream-point.ts';
import type { OpenedRepository } from './repository/opened-repository.ts';

export type { HostKeyOffer, Prompter, Question } from './domain/prompter.ts';
export type { BrowseRequest } from './domain/restore-point.ts';
export type { Stillpoint, StillpointOptions } from './facade/door.ts';

/**
 * Opens the façade. Nothing is read or connected to before it is needed; the configuration is read again for each call,
 * so an edit counts at once. Dispose it to close what it keeps open; jobs continue.
 */
export async function openStillpoint(options: StillpointOptions = {}): Promise<Stillpoint> {
  const environment = readEnvironment();
  requireUsablePlaces(environment, options);
  return new OpenedStillpoint(options, environment);
}

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
  readonly #setup: SetupPorts;

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
    this.#setup = { place: this.#place, home: environment.home, access: this.#access };
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

  async adviseHost(name: HostName, signal: AbortSignal): Promise<HostReadiness> {
    return this.#hosts.advise(name, signal);
  }

  async planSetup(request: SetupRequest): Promise<SetupPlan> {
    return planSetup(request, this.#setup);
  }

  async applySetup(request: SetupRequest, plan: PlanId, signal: AbortSignal): Promise<SetupPlan> {
    return applySetup(request, plan, this.#setup, signal);
  }

  async planVolume(request: NewVolumeRequest, signal: AbortSignal): Promise<NewVolumePlan> {
    return this.#hosts.planVolume(request, signal);
  }

  async makeVolume(request: NewVolumeRequest, plan: PlanId, signal: AbortSignal): Promise<NewVolume> {
    return this.#hosts.makeVolume(request, plan, signal);
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

  async judgeRestoreTarget(folder: string, mayHoldMore: boolean): Promise<void> {
    await judgeTarget(folder, mayHoldMore);
  }

  async findLogin(host: HostName): Promise<Pick<HostSpec, 'ssh' | 'sshConfigFile'>> {
    return findHost(await this.#configuration(), host, never);
  }

  async listKept(host: HostName, signal: AbortSignal): Promise<KeptListing> {
    return this.#hosts.kept.list(host, signal);
  }

  async compareKept(request: CompareRequest, onChange: Take<KeptChange>, signal: AbortSignal): Promise<KeptComparison> {
    return this.#hosts.kept.compare(request, onChange, signal);
  }

  async takeKept(request: TakeRequest, signal: AbortSignal): Promise<KeptTaken> {
    return this.#hosts.kept.take(request, signal);
  }

  async planKeep(request: KeepJobRequest, signal: AbortSignal): Promise<KeepPlan> {
    return this.#hosts.kept.planKeep(request, signal);
  }

  async planDrop(host: HostName, choice: DropChoice, signal: AbortSignal): Promise<DropPlan> {
    return this.#hosts.kept.planDrop(host, choice, signal);
  }

  async listKeys(name: RepositoryName, signal: AbortSignal): Promise<KeyListing> {
    return this.#access.keys(await this.#repository(name), signal);
  }

  async addKey(name: RepositoryName, password: NewPassword, signal: AbortSignal): Promise<NewKey> {
    return this.#access.add(await this.#repository(name), password, signal);
  }

  async changeKey(
    name: RepositoryName,
    password: NewPassword,
    signal: AbortSignal,
  ): Promise<NewKey & { removed: string }> {
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
    return this.#points.browse(findRepository(await this.#configuration(), request.repository), request, signal);
  }

  async diff(request: DiffRequest, onChange: Take<DiffChange>, signal: AbortSignal): Promise<DiffSummary> {
    return this.#comparisons.diff(await this.#compared(request.repository), request, onChange, signal);
  }

  async find(request: FindRequest, onMatch: Take<FindMatch>, signal: AbortSignal): Promise<FindSummary> {
    return this.#comparisons.find(await this.#compared(request.repository), request, onMatch, signal);
  }

  async streamPoint(request: StreamRequest, onPart: Take<Uint8Array>, signal: AbortSignal): Promise<StreamReport> {
    const spec = await this.#repository(request.repository);
    const openRepository = (opening: AbortSignal) => this.#openRepository(spec, opening);
    return streamPoint(request, { openRepository, onPart }, signal);
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

  async #scope(scope: PointScope): Promise<ResolvedScope> {
    return resolveScope(scope, await this.#configuration());
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
