/** The jobs as the shells see them. Every look ends the jobs whose process is gone. */
import { realpath } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { RunEvent } from '../domain/events.ts';
import type { Job, JobState } from '../domain/job.ts';
import { isFinished } from '../domain/job.ts';
import type { JobId } from '../domain/names.ts';
import { followEvents } from '../jobs/follow.ts';
import { type JobStore, unknownJob } from '../jobs/job-store.ts';
import { settledFacts } from '../jobs/settle.ts';
import { watchStore } from '../jobs/watch-jobs.ts';

export interface JobFilter {
  readonly states?: readonly JobState[];
  /** Only jobs of this configuration, by whatever name of its file they were started. */
  readonly configFile?: string;
  readonly limit?: number;
}

export class JobDirectory {
  readonly #store: () => Promise<JobStore>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** A finished job never changes, so it is read once. */
  readonly #finished = new Map<JobId, Job>();

  constructor(store: () => Promise<JobStore>, clock: Clock, logger: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
  }

  async find(id: JobId): Promise<Job> {
    const job = await this.#look(await this.#store(), id);
    if (job === undefined) throw unknownJob(id);
    return job;
  }

  async list({ states, configFile, limit }: JobFilter): Promise<Job[]> {
    const store = await this.#store();
    const ids = await store.ids();
    const known = new Set(ids);
    for (const id of this.#finished.keys()) if (!known.has(id)) this.#finished.delete(id);
    const isOf = configFile === undefined ? undefined : await sameFileAs(configFile);
    const jobs: Job[] = [];
    for (const id of ids) {
      const job = await this.#look(store, id);
      if (job === undefined || (states !== undefined && !states.includes(job.state))) continue;
      if (isOf === undefined || (await isOf(job.configFile))) jobs.push(job);
    }
    jobs.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? -1 : 1));
    return limit === undefined ? jobs : jobs.slice(0, limit);
  }

  /** A job that is finished stays as it is. */
  async cancel(id: JobId): Promise<Job> {
    const job = await this.find(id);
    if (isFinished(job.state)) return job;
    await (await this.#store()).requestCancel(id);
    return this.find(id);
  }

  async *follow(id: JobId, afterSeq: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
    yield* followEvents(await this.#store(), id, afterSeq, this.#clock, signal);
  }

  watch(onChange: () => void): Disposable {
    let watch: Disposable | undefined;
    let ended = false;
    this.#store().then(
      (store) => {
        if (!ended) watch = watchStore(store, onChange, { clock: this.#clock, logger: this.#logger });
      },
      (error: unknown) => this.#logger.log('error', 'the jobs cannot be watched', { error }),
    );
    return {
      [Symbol.dispose]: () => {
        ended = true;
        watch?.[Symbol.dispose]();
      },
    };
  }

  async #look(store: JobStore, id: JobId): Promise<Job | undefined> {
    const known = this.#finished.get(id);
    if (known !== undefined) return known;
    const facts = await settledFacts(store, id, this.#clock);
    if (facts === undefined) return undefined;
    const job = await store.view(facts);
    if (isFinished(job.state) && facts.isPresumed !== true) this.#finished.set(id, job);
    return job;
  }
}

/** A file may have gone since; then its name is all there is to compare. */
async function sameFileAs(path: string): Promise<(other: string) => Promise<boolean>> {
  const known = new Map<string, Promise<string>>();
  const resolve = (file: string): Promise<string> => {
    const found = known.get(file) ?? realpath(file).catch(() => file);
    known.set(file, found);
    return found;
  };
  const own = await resolve(path);
  return async (other) => other === path || (await resolve(other)) === own;
}
