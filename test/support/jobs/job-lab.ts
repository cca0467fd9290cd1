/** A home folder, a configuration and a job store for one test, with runners that are real processes. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { isAlive } from '../../../shared/base/process-identity.ts';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import type { JobState } from '../../../shared/domain/job.ts';
import { type JobId, sourceName } from '../../../shared/domain/names.ts';
import type { PlanId } from '../../../shared/domain/plan-id.ts';
import type { JobRequest } from '../../../shared/domain/verbs/verbs.ts';
import { followEvents } from '../../../shared/jobs/follow.ts';
import type { Handover } from '../../../shared/jobs/handover.ts';
import { type JobFacts, JobStore, stateOf } from '../../../shared/jobs/job-store.ts';
import { identifyJob, placesOf } from '../../../shared/jobs/places.ts';
import { settledFacts } from '../../../shared/jobs/settle.ts';
import { startJob } from '../../../shared/jobs/start-job.ts';
import { killIfAlive } from '../../lab/process-tree.ts';

export const NO_SECRETS: Handover = { answers: [], repositorySecrets: {}, warnings: [] };
const TEST_RUNNER = new URL('./runner-main.ts', import.meta.url);

const CONFIGURATION = `{
  "repositories": {"main": {"location": "/r"}},
  "sources": {
    "a": {"host": "db1", "paths": ["/a"], "repository": "main"},
    "b": {"host": "db1", "paths": ["/b"], "repository": "main"},
    "b-late": {"host": "db1", "paths": ["/b"], "repository": "main"},
    "b-saved": {"host": "db1", "paths": ["/b"], "repository": "main"},
    "b-saving": {"host": "db1", "paths": ["/b"], "repository": "main"},
    "b-unclean": {"host": "db1", "paths": ["/b"], "repository": "main"},
    "c": {"host": "db2", "paths": ["/c"], "repository": "main"}
  }
}`;

export const backupOf = (source: string): JobRequest => ({ kind: 'backup', source: sourceName(source) });

/** As the façade has it for a configuration. */
export async function identityOf(request: JobRequest, configFile: string): Promise<PlanId> {
  const configuration = await loadConfiguration({ file: configFile, named: true }, '/');
  return (await identifyJob(request, placesOf(request, configuration), configFile, never)).resolved;
}

interface LabStart {
  readonly handover?: Handover;
  readonly runnerEntry?: URL;
  /** Happens when the configuration was read and no job is made yet. */
  readonly meanwhile?: () => Promise<void>;
}

export class JobLab implements AsyncDisposable {
  readonly home: string;
  readonly configFile: string;
  readonly store: JobStore;
  readonly #homeBefore: string | undefined;

  private constructor(home: string, configFile: string, store: JobStore) {
    this.home = home;
    this.configFile = configFile;
    this.store = store;
    this.#homeBefore = process.env['HOME'];
    process.env['HOME'] = home;
  }

  static async open(): Promise<JobLab> {
    const home = await mkdtemp(join(tmpdir(), 'stillpoint-jobs-'));
    const configFile = join(home, 'config.jsonc');
    await writeFile(configFile, CONFIGURATION);
    return new JobLab(home, configFile, await JobStore.open(join(home, 'state')));
  }

  async start(
    request: JobRequest,
    options: LabStart = {},
  ): Promise<{ readonly id: JobId; readonly alreadyRunning: boolean }> {
    const { handover = NO_SECRETS, runnerEntry = TEST_RUNNER } = options;
    const identity = await identityOf(request, this.configFile);
    await options.meanwhile?.();
    return startJob(
      this.store,
      request,
      { configFile: this.configFile, identity, handover, runnerEntry, clock: systemClock },
      never,
    );
  }

  async events(id: JobId, afterSeq = 0): Promise<RunEvent[]> {
    return Array.fromAsync(followEvents(this.store, id, afterSeq, systemClock, never));
  }

  async facts(id: JobId): Promise<JobFacts> {
    const facts = await settledFacts(this.store, id, systemClock);
    if (facts === undefined) throw new Error(`there is no job ${id}`);
    return facts;
  }

  /** Waits until the job is in this state, as a reader sees it. */
  async until(id: JobId, state: JobState): Promise<JobFacts> {
    for (;;) {
      const facts = await this.facts(id);
      if (stateOf(facts) === state) return facts;
      if (facts.finished !== undefined)
        throw new Error(`the job is ${stateOf(facts)}, not ${state}: ${JSON.stringify(facts.finished)}`);
      await systemClock.sleep(10, never);
    }
  }

  /** What the verbs left as marks. */
  async marks(): Promise<string[]> {
    const path = join(this.home, 'marks');
    return existsSync(path) ? (await readFile(path, 'utf8')).trim().split('\n') : [];
  }

  async untilMarked(mark: string): Promise<void> {
    while (!(await this.marks()).includes(mark)) await systemClock.sleep(10, never);
  }

  letGo(source: string): Promise<void> {
    return writeFile(join(this.home, `${source}.go`), '');
  }

  /** Stops what still runs by the process ids of its own store, then removes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#homeBefore === undefined) delete process.env['HOME'];
    else process.env['HOME'] = this.#homeBefore;
    for (const id of await this.store.ids()) {
      const facts = await settledFacts(this.store, id, systemClock);
      if (facts?.runner === undefined || facts.runner.identity.pid === process.pid) continue;
      const { identity } = facts.runner;
      if (facts.finished === undefined) killIfAlive(identity.pid);
      while (await isAlive(identity, async () => 0)) await systemClock.sleep(10, never);
    }
    await rm(this.home, { recursive: true, force: true });
  }
}
