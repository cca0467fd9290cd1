/**
 * From a request to a running job. Starters take turns, so of any number that ask for the same thing at the same time
 * one makes a job and the others are given that one.
 *
 * Crash story: a starter that dies before its runner answers leaves a job that no process claimed; the next reader ends
 * it.
 */
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { invariant, isStillpointError, toErrorRecord } from '../base/errors.ts';
import { identifyProcess } from '../base/process-identity.ts';
import { errorWithConsequences, NOT_BEGUN } from '../domain/consequences.ts';
import { isFinished } from '../domain/job.ts';
import { type JobId, newJobId } from '../domain/names.ts';
import type { PlanId } from '../domain/plan-id.ts';
import type { JobRequest } from '../domain/verbs/verbs.ts';
import { takeLock } from './generation-lock.ts';
import type { Handover } from './handover.ts';
import { type JobStore, stateOf } from './job-store.ts';
import { launchRunner } from './launch.ts';
import { pruneRecords } from './prune-records.ts';
import { giveUpUnclaimed, settledFacts } from './settle.ts';

export interface StartOptions {
  /** Absolute; the runner reads it again. */
  readonly configFile: string;
  /** Of the request, by that file. */
  readonly identity: PlanId;
  readonly handover: Handover;
  readonly runnerEntry: URL | undefined;
  readonly clock: Clock;
}

/** Errors: `job.store-unusable`, `job.runner-failed`, what the runner says while it starts, the signal's reason. */
export async function startJob(
  store: JobStore,
  request: JobRequest,
  options: StartOptions,
  signal: AbortSignal,
): Promise<{ readonly id: JobId; readonly alreadyRunning: boolean }> {
  const { configFile, identity, handover, runnerEntry, clock } = options;
  const starter = await identifyProcess();
  invariant(starter, 'a process can find itself');
  const id = newJobId();
  {
    await using _ = await takeLock(join(store.folder, 'locks', 'start'), clock, signal);
    const running = await findUnfinished(store, identity, clock);
    if (running !== undefined) return { id: running, alreadyRunning: true };
    const createdAt = clock.now().toISOString();
    await store.create({ version: 2, id, request, configFile, identity, createdAt, starter });
    await pruneRecords(store, clock);
  }
  try {
    await launchRunner(store, { id, request }, handover, runnerEntry);
  } catch (error) {
    // A runner that said nothing may still have taken over; then the job is its own and continues.
    const known = errorWithConsequences(error, [NOT_BEGUN]);
    if (await giveUpUnclaimed(store, id, toErrorRecord(known), clock)) throw known;
    if (isStillpointError(error, 'job.runner-failed')) {
      const facts = await settledFacts(store, id, clock);
      if (facts !== undefined && !isFinished(stateOf(facts))) return { id, alreadyRunning: false };
    }
    throw error;
  }
  return { id, alreadyRunning: false };
}

/** The job that does this very thing already: the same request, by the same configuration, to the same places. */
export async function findUnfinished(store: JobStore, identity: PlanId, clock: Clock): Promise<JobId | undefined> {
  for (const id of await store.ids()) {
    const facts = await store.facts(id);
    if (facts === undefined || facts.finished !== undefined || facts.record.identity !== identity) continue;
    const settled = await settledFacts(store, id, clock);
    // One that is about to stop is not what was asked for; the new one waits for its host.
    if (settled?.finished === undefined && settled?.cancelRequested === false) return id;
  }
  return undefined;
}
