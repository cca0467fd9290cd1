/** The jobs of all shells, in the user's state folder; and those that only this shell has, where that takes nothing. */
import { type Clock, systemClock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { RunEvent } from '../domain/events.ts';
import type { Job } from '../domain/job.ts';
import type { JobId } from '../domain/names.ts';
import type { JobRequest } from '../domain/verbs/verbs.ts';
import { JobStore } from '../jobs/job-store.ts';
import { JobDirectory, type JobFilter } from './job-directory.ts';
import { type StartPorts, startRequest } from './start.ts';
import { mayPass, TemporaryJobStore } from './temporary-job-store.ts';

export class Jobs implements AsyncDisposable {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #clock: Clock = systemClock;
  readonly #directory: JobDirectory;
  #store: Promise<JobStore> | undefined;
  #passing: TemporaryJobStore | undefined;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
    this.#directory = new JobDirectory(() => this.store(), this.#clock, logger);
  }

  /** Errors: `job.store-unusable`. */
  store(): Promise<JobStore> {
    this.#store ??= JobStore.open(this.#folder).catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }

  async start(
    request: JobRequest,
    ports: Omit<StartPorts, 'store' | 'warnings'>,
    signal: AbortSignal,
  ): Promise<{ readonly job: Job; readonly alreadyRunning: boolean }> {
    const { id, alreadyRunning } = await this.#startSomewhere(request, ports, signal);
    return { job: await this.find(id), alreadyRunning };
  }

  find(id: JobId): Promise<Job> {
    return this.#deskOf(id).find(id);
  }

  list(filter: JobFilter): Promise<readonly Job[]> {
    return this.#directory.list(filter);
  }

  cancel(id: JobId): Promise<Job> {
    return this.#deskOf(id).cancel(id);
  }

  follow(id: JobId, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    return this.#deskOf(id).follow(id, afterSeq, signal);
  }

  watch(onChange: () => void): Disposable {
    return this.#directory.watch(onChange);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#passing?.[Symbol.asyncDispose]();
  }

  async #startSomewhere(
    request: JobRequest,
    ports: Omit<StartPorts, 'store' | 'warnings'>,
    signal: AbortSignal,
  ): ReturnType<typeof startRequest> {
    try {
      return await startRequest(request, { ...ports, store: await this.store(), warnings: [] }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error, request)) throw error;
      this.#passing ??= await TemporaryJobStore.open(error, this.#clock, this.#logger);
      const warnings = [this.#passing.warning(error)];
      const started = await startRequest(request, { ...ports, store: this.#passing.store, warnings }, signal);
      this.#passing.add(started.id);
      return started;
    }
  }

  #deskOf(id: JobId): JobDirectory {
    return this.#passing?.has(id) === true ? this.#passing.directory : this.#directory;
  }
}
