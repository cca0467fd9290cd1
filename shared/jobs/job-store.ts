/**
 * The job store: a folder in the user's state folder that every shell and every runner reads and writes at the same
 * time, without a server between them.
 *
 *     owner                 who we are on hosts, made once
 *     clock                 touched to ask what time it is where the folder lies
 *     changed               touched whenever something changed, for those who watch
 *     locks/                see host-lock.ts
 *     jobs/<id>/record.json    what is to be done; written by the starter, then by the runner alone
 *     jobs/<id>/heartbeat      which process answers for the job; created once, touched while it lives
 *     jobs/<id>/events.ndjson  what the run reported
 *     jobs/<id>/cancel         a request to stop
 *     jobs/<id>/released       nothing of the job's run is left on the host
 *     jobs/<id>/taken-up       the job that goes on with its run; created once, so that one does
 *     jobs/<id>/journal/       what that job needs, see `pipeline/resume/run-journal.ts`
 *     jobs/<id>/finished.json  the last event; created once, by the runner, or by the reader that finds the runner dead
 *     jobs/<id>/runner.log     what the runner's process printed
 *     jobs/<id>/work/          files of the run, removed when it ends
 *
 * Two files decide everything, and both are created in one step by exactly one process: `heartbeat` says who runs the
 * job, `finished.json` how it ended. A process may die between any two writes; the next reader finds a job that is
 * whole, or one whose process is gone, and `settle.ts` ends that one.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StillpointError } from '../base/errors.ts';
import { makeFolders } from '../base/make-folders.ts';
import type { ProcessIdentity } from '../base/process-identity.ts';
import type { RunEvent } from '../domain/events.ts';
import type { Job, JobState } from '../domain/job.ts';
import { type JobId, jobId, newOwnerId, type OwnerId, ownerId } from '../domain/names.ts';
import type { PlanId } from '../domain/plan-id.ts';
import { readTail } from './event-log.ts';
import { createFileOnce, readIfThere, refreshFile, replaceFile, storeError, timeAt } from './files.ts';
import { type FinishedEvent, type JobRecord, parseFinished, parseHeartbeat, parseRecord } from './records.ts';

/** Everything about one job that is on disk, but for its events. */
export interface JobFacts {
  readonly record: JobRecord;
  readonly runner: { readonly identity: ProcessIdentity; readonly lastBeat: Date } | undefined;
  readonly cancelRequested: boolean;
  readonly released: boolean;
  /** The job that goes on with its run. */
  readonly takenUpBy: string | undefined;
  readonly finished: FinishedEvent | undefined;
}

/** More than a record of an end takes, unless it names thousands of files. */
const RESERVE_BYTES = 256 * 1024;

export class JobStore {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes the folder, for the user alone: records name hosts and paths. Errors: `job.store-unusable`. */
  static async open(folder: string): Promise<JobStore> {
    try {
      await makeFolders(join(folder, 'jobs'), 0o700);
      if (((await stat(folder)).mode & 0o077) !== 0) await chmod(folder, 0o700);
    } catch (error) {
      throw storeError(folder, error);
    }
    return new JobStore(folder);
  }

  jobFolder(id: JobId): string {
    return join(this.folder, 'jobs', id);
  }

  path(
    id: JobId,
    file:
      | 'record.json'
      | 'heartbeat'
      | 'events.ndjson'
      | 'cancel'
      | 'released'
      | 'taken-up'
      | 'finished.json'
      | 'runner.log',
  ): string {
    return join(this.jobFolder(id), file);
  }

  async owner(): Promise<OwnerId> {
    const path = join(this.folder, 'owner');
    const known = await readIfThere(path);
    if (known !== undefined) return ownerId(known.trim());
    const fresh = newOwnerId();
    if (await createFileOnce(path, `${fresh}\n`)) return fresh;
    return ownerId(((await readIfThere(path)) ?? '').trim());
  }

  async create(record: JobRecord): Promise<void> {
    try {
      await mkdir(this.jobFolder(record.id), { mode: 0o700 });
    } catch (error) {
      throw storeError(this.jobFolder(record.id), error);
    }
    await this.save(record);
  }

  async save(record: JobRecord): Promise<void> {
    await replaceFile(this.path(record.id, 'record.json'), `${JSON.stringify(record, undefined, 2)}\n`);
    await this.touch();
  }

  /** From now on this process answers for the job. False when another one does already. */
  async claim(id: JobId, identity: ProcessIdentity): Promise<boolean> {
    return createFileOnce(this.path(id, 'heartbeat'), `${JSON.stringify(identity)}\n`);
  }

  /** Dated by the machine that keeps the folder, so that machines with different clocks judge alike. */
  async beat(id: JobId): Promise<void> {
    await refreshFile(this.path(id, 'heartbeat'));
  }

  /** The time where the folder lies. */
  now(): Promise<Date> {
    return timeAt(this.folder);
  }

  /** It holds some room, so that on a disk that has become full there is enough to say how the job ended. */
  async makeWorkFolder(id: JobId): Promise<string> {
    const folder = join(this.jobFolder(id), 'work');
    try {
      await mkdir(folder, { mode: 0o700 });
      await writeFile(join(folder, 'reserve'), randomBytes(RESERVE_BYTES), { mode: 0o600 });
    } catch (error) {
      throw storeError(folder, error);
    }
    return folder;
  }

  /** What remains, goes with the record. */
  async removeWorkFolder(id: JobId): Promise<void> {
    await rm(join(this.jobFolder(id), 'work'), { recursive: true, force: true }).catch(() => undefined);
  }

  journalFolder(id: JobId): string {
    return join(this.jobFolder(id), 'journal');
  }

  /** Of what is backed up from there to there: what its runs remember of it. */
  rememberedFile(places: PlanId): string {
    return join(this.folder, 'remembered', places);
  }

  /** What no run has written for so long is of a source that is gone, and costs a run some time if it is not. */
  async forgetRemembered(olderThanMs: number): Promise<void> {
    const folder = join(this.folder, 'remembered');
    for (const name of await readdir(folder).catch(() => [])) {
      const written = await stat(join(folder, name)).catch(() => undefined);
      if (written !== undefined && written.mtimeMs < olderThanMs) await rm(join(folder, name), { force: true });
    }
  }

  async removeJournal(id: JobId): Promise<void> {
    await rm(this.journalFolder(id), { recursive: true, force: true }).catch(() => undefined);
  }

  /** The run of `from` is to be that of `to`. False where another job has it. */
  async claimRun(from: JobId, to: JobId): Promise<boolean> {
    return createFileOnce(this.path(from, 'taken-up'), to);
  }

  async unclaimRun(from: JobId): Promise<void> {
    await rm(this.path(from, 'taken-up'), { force: true });
  }

  async moveJournal(from: JobId, to: JobId): Promise<void> {
    try {
      await rename(this.journalFolder(from), this.journalFolder(to));
    } catch (error) {
      throw storeError(this.journalFolder(from), error);
    }
  }

  async requestCancel(id: JobId): Promise<void> {
    await createFileOnce(this.path(id, 'cancel'), '');
    await this.touch();
  }

  async isCancelRequested(id: JobId): Promise<boolean> {
    return (await readIfThere(this.path(id, 'cancel'))) !== undefined;
  }

  /** A run is about to begin, and this job may have had another one. */
  async unmarkReleased(id: JobId): Promise<void> {
    await rm(this.path(id, 'released'), { force: true });
  }

  async markReleased(id: JobId): Promise<void> {
    await createFileOnce(this.path(id, 'released'), '');
  }

  /** The last word about a job. False when it was said already; what was said first counts. */
  async finish(id: JobId, event: FinishedEvent): Promise<boolean> {
    const first = await createFileOnce(this.path(id, 'finished.json'), `${JSON.stringify(event, undefined, 2)}\n`);
    await this.touch();
    return first;
  }

  /** Undefined when there is no such job, or none that this version understands. */
  async facts(id: JobId): Promise<JobFacts | undefined> {
    const record = parseRecord((await readIfThere(this.path(id, 'record.json'))) ?? '');
    if (record === undefined) return undefined;
    const heartbeat = parseHeartbeat((await readIfThere(this.path(id, 'heartbeat'))) ?? '');
    const beat = heartbeat && (await stat(this.path(id, 'heartbeat')).catch(() => undefined));
    return {
      record,
      runner: heartbeat && beat ? { identity: heartbeat, lastBeat: beat.mtime } : undefined,
      cancelRequested: await this.isCancelRequested(id),
      released: (await readIfThere(this.path(id, 'released'))) !== undefined,
      takenUpBy: await readIfThere(this.path(id, 'taken-up')),
      finished: parseFinished((await readIfThere(this.path(id, 'finished.json'))) ?? ''),
    };
  }

  async ids(): Promise<JobId[]> {
    try {
      const names = await readdir(join(this.folder, 'jobs'));
      return names.filter((name) => /^[0-9a-f]{16}$/.test(name)).map(jobId);
    } catch (error) {
      throw storeError(this.folder, error);
    }
  }

  /** Adds what the newest events say. */
  async view(facts: JobFacts): Promise<Job> {
    const tail = await readTail(this.path(facts.record.id, 'events.ndjson'));
    return toJob(facts, tail);
  }

  async remove(id: JobId): Promise<void> {
    await rm(this.jobFolder(id), { recursive: true, force: true });
  }

  /** Wakes those who watch. They look again from time to time anyway, so failing here is of no consequence. */
  async touch(): Promise<void> {
    await writeFile(join(this.folder, 'changed'), '', { mode: 0o600 }).catch(() => undefined);
  }
}

export function unknownJob(id: string, cause?: unknown): StillpointError {
  return new StillpointError('job.not-found', `There is no job "${id}".`, {
    advice: 'List the jobs to see their ids. Records are removed after 90 days, or earlier when there are many.',
    details: { job: id },
    cause,
  });
}

export function stateOf(facts: JobFacts): JobState {
  if (facts.finished !== undefined) return facts.finished.outcome;
  if (facts.cancelRequested) return 'cancelling';
  return facts.record.startedAt === undefined ? 'queued' : 'running';
}

function toJob(facts: JobFacts, tail: readonly RunEvent[]): Job {
  const { record, finished } = facts;
  const phase = tail.findLast((event) => event.type === 'phase-started')?.phase ?? record.phase;
  // Of the present phase only: what the one before had done says nothing of how far the job is.
  const last = tail.findLast((event) => event.type === 'progress');
  const progress = last?.phase === phase ? last : undefined;
  return {
    id: record.id,
    request: record.request,
    configFile: record.configFile,
    state: stateOf(facts),
    createdAt: record.createdAt,
    startedAt: record.startedAt,
    finishedAt: finished?.at,
    phase: phase as Job['phase'],
    progress: progress && {
      filesDone: progress.filesDone,
      filesTotal: progress.filesTotal,
      bytesDone: progress.bytesDone,
      bytesTotal: progress.bytesTotal,
    },
    result: finished?.result,
    error: finished?.error,
    facts: finished?.facts,
    lastSeq: finished?.seq ?? tail.at(-1)?.seq ?? 0,
  };
}
