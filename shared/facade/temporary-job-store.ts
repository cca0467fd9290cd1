/**
 * Where a job that only reads is kept when the user's state folder takes nothing: a private folder among the temporary
 * files. A restore from a rescue system, or with a full home, has to work; a backup without its record has not.
 *
 * Other processes do not see such a job. The folder goes with the shell that made it, unless its job still runs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { never } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { isAlive } from '../base/process-identity.ts';
import { isFinished } from '../domain/job.ts';
import type { JobId } from '../domain/names.ts';
import { type JobRequest, verbOf } from '../domain/verbs/verbs.ts';
import { storeError } from '../jobs/files.ts';
import type { Handover } from '../jobs/handover.ts';
import { JobStore } from '../jobs/job-store.ts';
import { JobDirectory } from './job-directory.ts';

/** How long a runner is given to end after its job has. */
const LOOKS = 100;
const LOOK_EVERY_MS = 50;

/** Whether another place for the job may be found. */
export function mayPass(error: unknown, request: JobRequest): error is StillpointError {
  const onlyReads = verbOf(request).changes.every((what) => what === 'folder');
  return isStillpointError(error, 'job.store-unusable') && onlyReads;
}

export class TemporaryJobStore implements AsyncDisposable {
  readonly store: JobStore;
  readonly directory: JobDirectory;
  readonly #clock: Clock;
  readonly #ids = new Set<JobId>();

  private constructor(store: JobStore, clock: Clock, logger: Logger) {
    this.store = store;
    this.#clock = clock;
    this.directory = new JobDirectory(() => Promise.resolve(store), clock, logger);
  }

  /** @param refused why the state folder cannot be used; thrown where no other place can be either */
  static async open(refused: StillpointError, clock: Clock, logger: Logger): Promise<TemporaryJobStore> {
    const folder = await mkdtemp(join(tmpdir(), 'stillpoint-jobs-')).catch((error: unknown) => {
      const { message } = storeError(tmpdir(), error);
      throw new StillpointError(refused.code, `${refused.message} ${message}`, {
        advice: 'Make one of the two writable for you, or set XDG_STATE_HOME or TMPDIR to another folder.',
        details: refused.details,
        cause: refused,
      });
    });
    return new TemporaryJobStore(await JobStore.open(folder), clock, logger);
  }

  add(id: JobId): void {
    this.#ids.add(id);
  }

  has(id: JobId): boolean {
    return this.#ids.has(id);
  }

  /** What a job that is kept here says of it. */
  warning({ message }: StillpointError): Handover['warnings'][number] {
    return {
      code: 'job.store-unusable',
      message: `${message} This job is kept in ${this.store.folder} as long as it runs.`,
      advice: 'It only reads, so it continues. Other commands do not see it, and nothing remembers it afterwards.',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#ids) if (!(await this.#isOver(id))) return;
    await rm(this.store.folder, { recursive: true, force: true });
  }

  /** A runner that has said its last word still tidies up. To look whether it has is no retry: nothing failed. */
  async #isOver(id: JobId): Promise<boolean> {
    if (!isFinished((await this.directory.find(id)).state)) return false;
    const runner = (await this.store.facts(id))?.runner;
    for (let looks = 0; runner !== undefined && looks < LOOKS; looks += 1) {
      if (!(await isAlive(runner.identity, () => Promise.resolve(0)))) return true;
      await this.#clock.sleep(LOOK_EVERY_MS, never);
    }
    return runner === undefined;
  }
}
