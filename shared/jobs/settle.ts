/**
 * Ends jobs whose process is gone. Every reader does this on the way, so a job never looks as if it were running when
 * nothing runs it. `finished.json` is created once, so any number of readers may find the same dead job.
 */
import type { Clock } from '../base/clock.ts';
import type { ErrorRecord } from '../base/errors.ts';
import { identifyProcess, isAlive } from '../base/process-identity.ts';
import type { JobRequest } from '../domain/job.ts';
import type { JobId } from '../domain/names.ts';
import { EventLogReader } from './event-log.ts';
import type { JobFacts, JobStore } from './job-store.ts';
import type { FinishedEvent } from './records.ts';

/** The facts about a job, after it was ended if its process is gone. Undefined when there is no such job. */
export async function settledFacts(store: JobStore, id: JobId, clock: Clock): Promise<JobFacts | undefined> {
  const facts = await store.facts(id);
  if (facts === undefined || facts.finished !== undefined || !(await isOrphaned(store, facts, clock))) return facts;
  // Its runner may have finished between our two looks; then this is refused, and what it said is read below.
  await finishFor(store, id, { outcome: 'interrupted', error: interrupted(facts) }, clock);
  await store.removeWorkFolder(id);
  return store.facts(id);
}

/** Ends a job that no runner has claimed; false when one has. Of the starter and all readers one does it. */
export async function giveUpUnclaimed(store: JobStore, id: JobId, error: ErrorRecord, clock: Clock): Promise<boolean> {
  if (!(await claimForSelf(store, id))) return false;
  return finishFor(store, id, { outcome: 'failed', error }, clock);
}

async function isOrphaned(store: JobStore, { record, runner }: JobFacts, clock: Clock): Promise<boolean> {
  const now = clock.now().getTime();
  if (runner !== undefined) return !(await isAlive(runner.identity, now - runner.lastBeat.getTime()));
  if (await isAlive(record.starter, now - Date.parse(record.createdAt))) return false;
  // The starter died. Its runner may be about to claim the job: who has the claim, decides.
  return claimForSelf(store, record.id);
}

async function claimForSelf(store: JobStore, id: JobId): Promise<boolean> {
  const self = await identifyProcess();
  return self !== undefined && store.claim(id, self);
}

async function finishFor(
  store: JobStore,
  id: JobId,
  end: Pick<FinishedEvent, 'outcome' | 'error'>,
  clock: Clock,
): Promise<boolean> {
  const seq = (await lastSeqOf(store, id)) + 1;
  return store.finish(id, { type: 'job-finished', seq, at: clock.now().toISOString(), ...end });
}

async function lastSeqOf(store: JobStore, id: JobId): Promise<number> {
  await using reader = new EventLogReader(store.path(id, 'events.ndjson'));
  for await (const _ of reader.read());
  return reader.lastSeq;
}

function interrupted({ record, runner }: JobFacts): ErrorRecord {
  const pid = runner === undefined ? '' : ` (process ${runner.identity.pid})`;
  return {
    code: 'job.interrupted',
    message: `The process that ran the ${describeRequest(record.request)} is gone${pid}.`,
    advice: `${consequence(record.request)} Start it again.`,
    details: { job: record.id },
  };
}

function consequence(request: JobRequest): string {
  switch (request.kind) {
    case 'backup':
      return 'Earlier restore points are whole. The host cleans up when the lease has run out, and the next job on it sweeps first.';
    case 'restore':
      return `What came until then lies in a folder ".stillpoint-restore-…" in "${request.target}"; remove that first.`;
    case 'copy':
      return 'What was copied and indexed is not copied twice.';
    case 'forget':
      return 'What was forgotten is gone; every other restore point is whole. The repository stays locked until that lock is removed with "stillpoint unlock".';
    case 'prune':
      return 'Every restore point is whole. The repository stays locked until that lock is removed with "stillpoint unlock".';
    case 'repair':
      return request.apply
        ? 'Nothing was lost by that. The repository stays locked until that lock is removed with "stillpoint unlock".'
        : 'Nothing was changed.';
    case 'sweep':
      return 'The next job on the host sweeps first.';
    case 'check':
    case 'verify':
      return 'Nothing was changed.';
  }
}

/** 'backup of "shop"' */
export function describeRequest(request: JobRequest): string {
  switch (request.kind) {
    case 'backup':
      return `backup of "${request.source}"`;
    case 'restore':
      return `restore from "${request.repository}" to "${request.target}"`;
    case 'forget':
      return `forgetting of restore points in "${request.repository}"`;
    case 'check':
    case 'verify':
    case 'prune':
      return `${request.kind} of "${request.repository}"`;
    case 'repair':
      return `repair of the ${request.wish.part} of "${request.repository}"`;
    case 'copy':
      return `copy from "${request.from}" to "${request.to}"`;
    case 'sweep':
      return `sweep of "${request.host}"`;
  }
}
