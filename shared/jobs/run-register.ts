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
import type { OwnerId, RunId } from '../domain/names.ts';
import type { PlanId } from '../domain/plan-id.ts';
import type { OwnRuns } from '../pipeline/own-runs.ts';
import type { JobFacts, JobStore } from './job-store.ts';

/** Of one job, on the machine that it has for itself. */
export function runRegister(
  store: JobStore,
  machine: PlanId | undefined,
  begin: (run: RunId, machine: PlanId | undefined) => Promise<void>,
): OwnRuns {
  return {
    async begin(run) {
      await refuseSecond(store, run);
      await begin(run, machine);
    },
    dead: async () => (await deadRuns(store)).map(({ run }) => run),
    async swept({ removed, kept }) {
      for (const { run, facts } of await deadRuns(store)) {
        const isKept = kept.some(({ object }) => object.includes(run));
        // Another host knows nothing of the run, and its silence says nothing.
        const isHere = facts.record.run?.machine === machine || removed.some((object) => object.includes(run));
        if (isHere && !isKept) await store.markReleased(facts.record.id);
      }
    },
  };
}

/**
 * A plan names its run, and may be asked for twice. A run that is known here already may be called dead at any time, and
 * what bears its name is then removed.
 */
async function refuseSecond(store: JobStore, run: RunId): Promise<void> {
  for (const id of await store.ids()) {
    const facts = await store.facts(id);
    if (facts?.record.run?.id !== run) continue;
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

export async function deadRuns(store: JobStore): Promise<{ readonly run: RunId; readonly facts: JobFacts }[]> {
  const found: { run: RunId; facts: JobFacts }[] = [];
  for (const id of await store.ids()) {
    const facts = await store.facts(id);
    const run = facts?.record.run?.id;
    if (facts === undefined || run === undefined || facts.released) continue;
    if (await isDead(facts)) found.push({ run, facts });
  }
  return found;
}

async function isDead({ finished, runner }: JobFacts): Promise<boolean> {
  // `interrupted` is what another process says of a runner; every other end is a runner's own word, its last one.
  if (finished !== undefined && finished.outcome !== 'interrupted') return true;
  if (runner === undefined) return false;
  const fate = await fateOf(runner.identity);
  return fate === 'ended' || fate === 'restarted';
}
