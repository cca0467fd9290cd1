/**
 * The runs of this store's jobs, and which of them are dead. A run is written into its job's record before the host is
 * touched, and marked as released when nothing of it is left there.
 *
 * A run counts as dead only where that is proved: its own process said how the job ended, or the process table says that
 * there is no such process any more. A runner on another machine that shares our folder, or in another container, is
 * never called dead for being silent; its lease is what ends it. Runs of other users are in stores of their own, and
 * have another owner on the host.
 */
import { StillpointError } from '../base/errors.ts';
import { fateOf } from '../base/process-identity.ts';
import { type JobId, jobId, type OwnerId, type RunId } from '../domain/names.ts';
import type { PlanId } from '../domain/plan-id.ts';
import type { OwnRuns } from '../pipeline/own-runs.ts';
import { isResumable } from '../pipeline/resume/run-journal.ts';
import type { JobFacts, JobStore } from './job-store.ts';

/** Where the run of a job is, and what it is of. */
export interface RunPlace {
  /** That the job has for itself. */
  readonly machine: PlanId | undefined;
  /** See `JobIdentity`. */
  readonly places: PlanId;
  /** How long the host keeps what a run holds there, when nothing more is heard of it. */
  readonly leaseSeconds?: number | undefined;
}

interface RegisterTerms extends RunPlace {
  readonly job: JobId;
  /** Makes the run that was taken up a dead one again. */
  readonly giveUp: () => Promise<void>;
  /** Whether a run is left alone that its source may still take up. */
  readonly spares: boolean;
}

/** Of one job. */
export function runRegister(
  store: JobStore,
  { job, spares, giveUp, ...place }: RegisterTerms,
  begin: (run: RunId, place: RunPlace) => Promise<void>,
): OwnRuns {
  const listed = () => (spares ? abandonedRuns(store) : deadRuns(store));
  return {
    async begin(run) {
      await refuseSecond(store, run, job);
      await begin(run, place);
    },
    giveUp,
    dead: async () => (await listed()).map(({ run }) => run),
    async swept({ removed, kept }) {
      for (const { run, facts } of await listed()) {
        const isKept = kept.some(({ object }) => object.includes(run));
        // Another host knows nothing of the run, and its silence says nothing.
        const isHere = facts.record.run?.machine === place.machine || removed.some((object) => object.includes(run));
        if (!isHere || isKept) continue;
        await store.markReleased(facts.record.id);
        await store.removeJournal(facts.record.id);
      }
    },
  };
}

/**
 * A plan names its run, and may be asked for twice. A run that is known here already may be called dead at any time, and
 * what bears its name is then removed.
 */
async function refuseSecond(store: JobStore, run: RunId, job: JobId): Promise<void> {
  for (const id of await store.ids()) {
    const facts = await store.facts(id);
    // Of a run that was taken up, the job speaks that did so last.
    if (facts?.record.run?.id !== run || id === job || facts.takenUpBy !== undefined) continue;
    throw new StillpointError('plan.used', `The plan of run ${run} was begun before, by the job ${id}.`, {
      advice: 'Make the plan again: each is good for one run.',
      details: { run, job: id },
      cause: undefined,
    });
  }
}

/** By which what is ours on a host is recognised, and known to be dead. */
export async function ownTraces(
  store: JobStore,
): Promise<{ readonly owner: OwnerId; readonly dead: readonly RunId[] }> {
  return { owner: await store.owner(), dead: (await deadRuns(store)).map(({ run }) => run) };
}

export interface DeadRun {
  readonly run: RunId;
  readonly facts: JobFacts;
}

/** Those that nobody takes up any more. */
async function abandonedRuns(store: JobStore): Promise<readonly DeadRun[]> {
  const found: DeadRun[] = [];
  for (const dead of await deadRuns(store)) if (!(await mayGoOn(store, dead.facts))) found.push(dead);
  return found;
}

/** The run of which another process is to do this very thing; of several the newest. */
export async function resumableRun(store: JobStore, places: PlanId): Promise<DeadRun | undefined> {
  const found: DeadRun[] = [];
  for (const dead of await deadRuns(store)) {
    if (dead.facts.record.run?.places === places && (await mayGoOn(store, dead.facts))) found.push(dead);
  }
  return found.toSorted((a, b) => a.facts.record.createdAt.localeCompare(b.facts.record.createdAt)).at(-1);
}

/** Whether it left what is needed, and its lease may still live. The host has the last word. */
export async function mayGoOn(store: JobStore, { record, runner }: JobFacts): Promise<boolean> {
  const { leaseSeconds = 0 } = record.run ?? {};
  if (runner === undefined) return false;
  const silentMs = (await store.now()).getTime() - runner.lastBeat.getTime();
  return silentMs < leaseSeconds * 1000 && (await isResumable(store.journalFolder(record.id)));
}

export async function deadRuns(store: JobStore): Promise<readonly DeadRun[]> {
  const found: DeadRun[] = [];
  for (const id of await store.ids()) {
    const facts = await store.facts(id);
    const run = facts?.record.run?.id;
    if (facts === undefined || run === undefined || facts.released || (await isTakenUp(store, facts))) continue;
    if (await isDead(facts)) found.push({ run, facts });
  }
  return found;
}

/** The job that claimed it says so by its own record: what that is worth, its own process decides. */
async function isTakenUp(store: JobStore, { record, takenUpBy }: JobFacts): Promise<boolean> {
  const taker = takenUpBy === undefined ? undefined : await store.facts(jobId(takenUpBy));
  return taker?.record.run !== undefined && taker.record.run.id === record.run?.id;
}

async function isDead({ finished, runner }: JobFacts): Promise<boolean> {
  // `interrupted` is what another process says of a runner; every other end is a runner's own word, its last one.
  if (finished !== undefined && finished.outcome !== 'interrupted') return true;
  if (runner === undefined) return false;
  const fate = await fateOf(runner.identity);
  return fate === 'ended' || fate === 'restarted';
}
