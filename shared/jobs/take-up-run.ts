/**
 * The run of a job whose process is gone, for a job that does the same thing: it becomes the run of this one, with the journal that
 * was left of it. Whether the host still has what the run held, the pipeline finds out.
 *
 * Crash story. A job that dies after it claimed a run and before its own record names it leaves a run that counts as dead.
 */
import { StillpointError } from '../base/errors.ts';
import type { JobId } from '../domain/names.ts';
import { verbOf } from '../domain/verbs/verbs.ts';
import type { JobStore } from './job-store.ts';
import type { RecordKeeper } from './record-keeper.ts';
import type { JobRecord } from './records.ts';
import { type DeadRun, deadRuns, mayGoOn, type RunPlace, resumableRun } from './run-register.ts';

interface TakeUpPorts {
  readonly store: JobStore;
  readonly saved: RecordKeeper;
  readonly place: RunPlace;
}

/** The job of which the run is this one's now, or why there is none, where that was asked for. */
export type TakenUp = { readonly from?: JobId; readonly refusal?: StillpointError };

/** Errors: `job.store-unusable`. */
export async function takeUpRun({ id, request }: JobRecord, { store, saved, place }: TakeUpPorts): Promise<TakenUp> {
  const wanted = verbOf(request).takesUp?.(request) ?? 'none';
  if (wanted === 'none') return {};
  const found = wanted === 'any' ? await resumableRun(store, place.places) : await runOf(wanted, place, store);
  if (found === undefined) return {};
  if (found instanceof StillpointError) return { refusal: found };
  const from = found.facts.record.id;
  if (!(await store.claimRun(from, id)))
    return wanted === 'any' ? {} : { refusal: cannotResume(wanted, 'another job goes on with its run') };
  await saved.begin(found.run, place);
  await store.moveJournal(from, id);
  return { from };
}

async function runOf(job: JobId, { places }: RunPlace, store: JobStore): Promise<DeadRun | StillpointError> {
  const facts = await store.facts(job);
  const { run } = facts?.record ?? {};
  if (facts === undefined || run === undefined)
    return cannotResume(job, 'it had not begun to hold anything on its host');
  if (facts.takenUpBy !== undefined) return cannotResume(job, `the job ${facts.takenUpBy} went on with its run`);
  if (facts.released) return cannotResume(job, 'nothing of its run is left on its host');
  if (run.places !== places) return cannotResume(job, 'the configuration says something else of its source by now');
  const dead = (await deadRuns(store)).find((each) => each.facts.record.id === job);
  if (dead === undefined) return cannotResume(job, 'it is not proved that its process is gone');
  if (await mayGoOn(store, dead.facts)) return dead;
  return cannotResume(
    job,
    'its lease is over, or it had not come so far that another process could go on: its snapshots did not stand yet, or it had dumps or read live',
  );
}

function cannotResume(job: JobId, why: string): StillpointError {
  return new StillpointError('job.cannot-resume', `The job ${job} cannot be taken up: ${why}.`, {
    advice: 'Start the backup again.',
    details: { job },
    cause: undefined,
  });
}
