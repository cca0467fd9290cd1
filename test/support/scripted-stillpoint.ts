/**
 * The façade with known answers, for tests of the shells: no host, no repository, no process. Jobs go on when the test
 * says so; what was asked is written down. Its jobs keep the promises of the real ones: events are numbered from 1, a
 * late follower sees all of them, and `job-finished` is the last.
 */
import { EventEmitter, on } from 'node:events';
import { StillpointError } from '../../shared/base/errors.ts';
import type { RunEvent, RunEventBody } from '../../shared/domain/events.ts';
import { isFinished, type Job } from '../../shared/domain/job.ts';
import { type JobId, jobId } from '../../shared/domain/names.ts';
import { fitsAll, fitsFilter } from '../../shared/domain/point-filter.ts';
import type {
  FileEntry,
  PointNote,
  RestorePointSummary,
  UnavailableRepository,
  UnreadableRestorePoint,
} from '../../shared/domain/restore-point.ts';
import type { JobRequest } from '../../shared/domain/verbs/verbs.ts';
import type { BrowseRequest, Stillpoint } from '../../shared/stillpoint.ts';
import { sampleKeys, sampleUnlock } from './sample-access.ts';
import { sampleChanges, sampleDiff, sampleMatches, sampleShares } from './sample-comparisons.ts';
import {
  foreignPoint,
  sampleEntries,
  sampleHosts,
  sampleInventory,
  samplePlan,
  samplePoint,
  sampleRepositories,
  sampleSources,
  sampleStream,
  timeOf,
  WHOLE,
} from './sample-data.ts';
import {
  sampleDropPlan,
  sampleKeepPlan,
  sampleKept,
  sampleKeptChanges,
  sampleKeptComparison,
  sampleTaken,
} from './sample-kept.ts';
import { sampleForgetPlan, samplePrunePlan, sampleSweepPlan } from './sample-maintenance.ts';
import { sampleReadiness, sampleSetupPlan } from './sample-readiness.ts';
import { sampleVolumePlan } from './sample-volume.ts';

type Method = Exclude<keyof Stillpoint, 'configFile' | typeof Symbol.asyncDispose>;

export interface ScriptedStillpoint extends Stillpoint {
  /** "startJob backup shop", in order. */
  readonly calls: string[];
  /** Makes a method throw. */
  fail(method: Method, error: Error): void;
  /** Lets a job go on by these events. */
  emit(id: JobId, ...events: readonly RunEventBody[]): void;
  /** Followers that are reading a job right now. */
  followers(id: JobId): number;
  disposed: boolean;
}

export interface ScriptOptions {
  readonly points?: readonly RestorePointSummary[];
  readonly unreadable?: readonly UnreadableRestorePoint[];
  readonly entries?: readonly FileEntry[];
  readonly notes?: readonly PointNote[];
  readonly unavailable?: readonly UnavailableRepository[];
  readonly overrides?: Partial<Stillpoint>;
  /** What every new job does at once. */
  readonly run?: readonly RunEventBody[];
  /** What a job does when it is cancelled. */
  readonly onCancel?: readonly RunEventBody[];
}

const CANCELLED: readonly RunEventBody[] = [
  {
    type: 'job-finished',
    outcome: 'cancelled',
    error: {
      code: 'run.cancelled',
      message: 'The backup of "shop" was cancelled.',
      advice: 'No restore point was saved. Nothing of the run is left on "db1". Start it again when you want it.',
      details: {},
    },
  },
];

export function scriptedStillpoint(options: ScriptOptions = {}): ScriptedStillpoint {
  const calls: string[] = [];
  const failures = new Map<Method, Error>();
  const jobs = new Map<string, { job: Job; events: RunEvent[]; changed: EventEmitter; followers: number }>();
  const points = options.points ?? [samplePoint, foreignPoint];

  function call(method: Method, ...facts: readonly string[]): void {
    calls.push([method, ...facts].join(' '));
    const failure = failures.get(method);
    if (failure !== undefined) throw failure;
  }

  function entryOf(id: JobId) {
    const entry = jobs.get(id);
    if (entry !== undefined) return entry;
    throw new StillpointError('job.not-found', `There is no job "${id}".`, {
      advice: 'List the jobs to see their ids.',
      cause: undefined,
    });
  }

  function emit(id: JobId, ...bodies: readonly RunEventBody[]): void {
    const entry = entryOf(id);
    for (const body of bodies) {
      const event: RunEvent = { ...body, seq: entry.events.length + 1, at: timeOf(entry.events.length + 1) };
      entry.events.push(event);
      entry.job = advance(entry.job, event);
    }
    entry.changed.emit('change');
  }

  const scripted: ScriptedStillpoint = {
    configFile: '/home/ann/.config/stillpoint/config.jsonc',
    calls,
    disposed: false,
    fail: (method, error) => void failures.set(method, error),
    emit,
    followers: (id) => entryOf(id).followers,
    async listHosts() {
      call('listHosts');
      return sampleHosts;
    },
    async inspectHost(host) {
      call('inspectHost', host);
      return sampleInventory;
    },
    async adviseHost(host) {
      call('adviseHost', host);
      return sampleReadiness;
    },
    async planVolume(request) {
      call('planVolume', request.host);
      return sampleVolumePlan;
    },
    async makeVolume(request, plan) {
      call('makeVolume', request.host, plan);
      return { plan: sampleVolumePlan, uuid: '2b1f6f0e-0000-4000-8000-000000000001', next: ['mount /srv/data'] };
    },
    async planSetup(request) {
      call('planSetup', request.host);
      return sampleSetupPlan;
    },
    async applySetup(request, plan) {
      call('applySetup', request.host, plan);
      return sampleSetupPlan;
    },
    async listSources() {
      call('listSources');
      return sampleSources;
    },
    async listRepositories() {
      call('listRepositories');
      return sampleRepositories;
    },
    async initRepository(repository) {
      call('initRepository', repository);
      return { id: '5e'.repeat(32), location: '/srv/backup' };
    },
    async listKeys(repository) {
      call('listKeys', repository);
      return { keys: sampleKeys, unreadable: [] };
    },
    async addKey(repository, password) {
      call('addKey', repository, JSON.stringify(password));
      return { id: sampleKeys[1]?.id ?? '', warning: undefined };
    },
    async changeKey(repository, password) {
      call('changeKey', repository, JSON.stringify(password));
      return { id: sampleKeys[1]?.id ?? '', warning: undefined, removed: sampleKeys[0]?.id ?? '' };
    },
    async removeKey(repository, key) {
      call('removeKey', repository, key);
      return { removed: sampleKeys[1]?.id ?? '' };
    },
    async unlockRepository(repository, which) {
      call('unlockRepository', repository, which);
      return sampleUnlock;
    },
    findLogin: async (host) => ({ ssh: host, sshConfigFile: '/home/ann/ssh_config' }),
    listKept: async (host) => ({ ...sampleKept, host }),
    compareKept: async (_request, onChange) => {
      for (const change of sampleKeptChanges) await onChange(change);
      return sampleKeptComparison;
    },
    takeKept: async ({ host, path, to }) => ({ ...sampleTaken, host, path, to: to ?? sampleTaken.to }),
    planKeep: async () => sampleKeepPlan,
    planDrop: async (host) => ({ ...sampleDropPlan, host }),
    judgeRestoreTarget: async () => undefined,
    planSweep: async (host) => ({ ...sampleSweepPlan, host }),
    async planBackup(source) {
      call('planBackup', source);
      return samplePlan;
    },
    async planExport(source, to) {
      call('planExport', source, JSON.stringify(to));
      const { repository: _, ...plan } = samplePlan;
      return { ...plan, kind: 'export', to };
    },
    async planForget(request) {
      call('planForget', JSON.stringify(request));
      return sampleForgetPlan;
    },
    async planPrune(request) {
      call('planPrune', JSON.stringify(request));
      return samplePrunePlan;
    },
    async startJob(request) {
      call('startJob', JSON.stringify(request));
      const running = [...jobs.values()].find(
        ({ job }) => !isFinished(job.state) && JSON.stringify(job.request) === JSON.stringify(request),
      );
      if (running !== undefined) return { job: running.job, alreadyRunning: true };
      const job = newJob(jobId((0x3f2a9c51d04e7b68n + BigInt(jobs.size)).toString(16)), request);
      jobs.set(job.id, { job, events: [], changed: new EventEmitter(), followers: 0 });
      if (options.run !== undefined) emit(job.id, ...options.run);
      return { job, alreadyRunning: false };
    },
    async findJob(id) {
      call('findJob', id);
      return entryOf(id).job;
    },
    async listJobs(filter = {}) {
      call('listJobs', JSON.stringify(filter));
      return [...jobs.values()]
        .map(({ job }) => job)
        .filter((job) => filter.states?.includes(job.state) ?? true)
        .reverse()
        .slice(0, filter.limit);
    },
    async cancelJob(id) {
      call('cancelJob', id);
      const entry = entryOf(id);
      if (!isFinished(entry.job.state)) {
        entry.job = { ...entry.job, state: 'cancelling' };
        const answer = entry.job;
        emit(id, ...(options.onCancel ?? CANCELLED));
        return answer;
      }
      return entry.job;
    },
    async *followJob(id, afterSeq, signal) {
      call('followJob', id, String(afterSeq));
      const entry = entryOf(id);
      entry.followers += 1;
      try {
        let seq = afterSeq;
        const changes = on(entry.changed, 'change', { signal });
        for (;;) {
          for (const event of entry.events.slice(seq)) {
            seq = event.seq;
            yield event;
            if (event.type === 'job-finished') return;
          }
          if (isFinished(entry.job.state)) return;
          await changes.next();
        }
      } finally {
        entry.followers -= 1;
      }
    },
    watchJobs() {
      call('watchJobs');
      return { [Symbol.dispose]: () => undefined };
    },
    async listRestorePoints({ repository, filter }) {
      call('listRestorePoints', repository ?? '-', JSON.stringify(filter ?? {}));
      return {
        restorePoints: points.filter((point) => filter === undefined || fitsFilter(point, filter)),
        unreadable: options.unreadable ?? [],
        unavailable: options.unavailable ?? [],
      };
    },
    async findRestorePoint({ repository, filter }, point) {
      call(
        'findRestorePoint',
        repository ?? '-',
        point,
        ...(filter === undefined || fitsAll(filter) ? [] : [JSON.stringify(filter)]),
      );
      const found = point === 'latest' ? points[0] : points.find((candidate) => candidate.id.startsWith(point));
      if (found !== undefined) return { point: found, notes: options.notes ?? [] };
      throw new StillpointError('repository.unknown-point', `There is no restore point "${point}".`, {
        advice: 'List the restore points to see their ids.',
        cause: undefined,
      });
    },
    async diff(request, onChange) {
      call('diff', JSON.stringify(request));
      for (const change of sampleChanges) await onChange(change);
      return sampleDiff;
    },
    async find(request, onMatch) {
      call('find', JSON.stringify(request));
      for (const match of sampleMatches) await onMatch(match);
      return { restorePoints: 2, matches: sampleMatches.length, unreadable: [] };
    },
    async streamPoint(request, onPart) {
      call('streamPoint', JSON.stringify(request));
      await onPart(Buffer.from('the stream'));
      return sampleStream;
    },
    async stats(request) {
      call('stats', JSON.stringify(request));
      return { stats: sampleShares, unreadable: [] };
    },
    async browse(request) {
      call('browse', JSON.stringify(request));
      return pageOfEntries(options.entries ?? sampleEntries, request);
    },
    async [Symbol.asyncDispose]() {
      scripted.disposed = true;
    },
    ...options.overrides,
  };
  return scripted;
}

function newJob(id: JobId, request: JobRequest): Job {
  return {
    id,
    request,
    configFile: '/home/ann/.config/stillpoint/config.jsonc',
    state: 'queued',
    createdAt: timeOf(0),
    startedAt: undefined,
    finishedAt: undefined,
    phase: undefined,
    progress: undefined,
    result: undefined,
    error: undefined,
    facts: undefined,
    lastSeq: 0,
  };
}

function advance(job: Job, event: RunEvent): Job {
  const next = { ...job, lastSeq: event.seq };
  switch (event.type) {
    case 'job-started':
      return { ...next, state: 'running', startedAt: event.at };
    case 'phase-started':
      return { ...next, phase: event.phase };
    case 'progress': {
      const { filesDone, filesTotal, bytesDone, bytesTotal } = event;
      return { ...next, progress: { filesDone, filesTotal, bytesDone, bytesTotal } };
    }
    case 'job-finished':
      return {
        ...{ ...next, state: event.outcome, finishedAt: event.at },
        ...{ result: event.result, error: event.error, facts: event.facts },
      };
    default:
      return next;
  }
}

function pageOfEntries(entries: readonly FileEntry[], request: BrowseRequest) {
  const start = request.cursor === undefined ? 0 : Number(request.cursor);
  const page = entries.slice(start, start + (request.limit ?? entries.length));
  const end = start + page.length;
  return {
    restorePoint: request.restorePoint,
    path: request.path,
    entries: page,
    wholeness: WHOLE,
    nextCursor: end < entries.length ? String(end) : undefined,
  };
}
