/**
 * The jobs as the views see them. The job store is watched only while a view is visible; with every view hidden nothing
 * runs here. What another window, an assistant or a timer starts shows up the same way as what was started here.
 */
import * as vscode from 'vscode';
import type { Logger } from '../shared/base/log.ts';
import { isFinished, type Job } from '../shared/domain/job.ts';
import type { Core } from './core.ts';

/** Running and recent: more than this is history. */
const LIMIT = 30;
/** A runner writes its progress often; the eye does not need each. */
const SETTLE_MS = 250;

export interface JobsChange {
  readonly jobs: readonly Job[];
  /** Those that have ended since the last look. */
  readonly ended: readonly Job[];
}

export class JobsFeed implements vscode.Disposable {
  readonly #core: Core;
  readonly #logger: Logger;
  readonly #changed = new vscode.EventEmitter<JobsChange>();
  readonly onDidChange = this.#changed.event;
  #watching: AbortController | undefined;
  /** Jobs that were seen unfinished and whose end was not reported yet. */
  readonly #unfinished = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(core: Core, logger: Logger) {
    this.#core = core;
    this.#logger = logger;
  }

  /** Errors are those of the job store. */
  async list(): Promise<readonly Job[]> {
    const jobs = await this.#core.use((stillpoint) => stillpoint.listJobs({ limit: LIMIT }));
    for (const job of jobs) if (!isFinished(job.state)) this.#unfinished.add(job.id);
    return jobs;
  }

  configFile(): Promise<string> {
    return this.#core.use((stillpoint) => Promise.resolve(stillpoint.configFile));
  }

  /** A view that is shown again sees what happened while it was hidden. */
  watch(wanted: boolean): void {
    if (wanted && this.#watching === undefined) {
      void this.#watchUntilStopped();
      void this.#look();
    }
    if (!wanted) this.#stop();
  }

  /** Looks now, for what was started from here. */
  refresh(): void {
    void this.#look();
  }

  dispose(): void {
    this.#stop();
    this.#changed.dispose();
  }

  async #watchUntilStopped(): Promise<void> {
    const stop = new AbortController();
    this.#watching = stop;
    try {
      await this.#core.use(async (stillpoint) => {
        using _watch = stillpoint.watchJobs(() => this.#settle());
        await new Promise<void>((resolve) => {
          if (stop.signal.aborted) resolve();
          else stop.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      });
    } catch (error) {
      this.#logger.log('warn', 'The jobs cannot be watched', { error });
      if (this.#watching === stop) this.#watching = undefined;
    }
  }

  #stop(): void {
    this.#watching?.abort();
    this.#watching = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #settle(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#look();
    }, SETTLE_MS);
  }

  async #look(): Promise<void> {
    try {
      const jobs = await this.list();
      const ended = jobs.filter((job) => isFinished(job.state) && this.#unfinished.delete(job.id));
      this.#changed.fire({ jobs, ended });
    } catch (error) {
      this.#logger.log('warn', 'The jobs cannot be listed', { error });
    }
  }
}
