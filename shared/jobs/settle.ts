/**
 * Ends jobs whose process is gone. Every reader does this on the way, so a job never looks as if it were running when
 * nothing runs it. `finished.json` is created once, so any number of readers may find the same dead job.
 *
 * Only what is proved is written down. A runner on another machine or in another container, which was silent for long,
 * may be asleep with its lid closed: its job is shown as interrupted and stays open, so that what it says when it wakes
 * still counts. So is a job whose end cannot be written, on a full disk.
 */
import type { Clock } from '../base/clock.ts';
import type { ErrorRecord } from '../base/errors.ts';
import { fateOf, identifyProcess, SILENCE_MS } from '../base/process-identity.ts';
import { consequencesOf, NOT_BEGUN, withConsequences } from '../domain/consequences.ts';
import { foldFacts, unanswered } from '../domain/fold-facts.ts';
import type { JobId } from '../domain/names.ts';
import { NO_FACTS, type RunFacts } from '../domain/run-facts.ts';
import { verbOf } from '../domain/verbs/verbs.ts';
import { isResumable } from '../pipeline/resume/run-journal.ts';
import { EventLogReader } from './event-log.ts';
import type { JobFacts, JobStore } from './job-store.ts';
import type { FinishedEvent } from './records.ts';

export interface SettledFacts extends JobFacts {
  /** The end is what we believe and not what was written: look again. */
  readonly isPresumed?: true;
}

/** The facts about a job, after it was ended if its process is gone. Undefined when there is no such job. */
export async function settledFacts(store: JobStore, id: JobId, clock: Clock): Promise<SettledFacts | undefined> {
  const facts = await store.facts(id);
  if (facts === undefined || facts.finished !== undefined) return facts;
  const fate = await fateOfJob(store, facts);
  if (fate === 'alive') return facts;
  const end = await interrupted(store, facts, fate, clock);
  const presumed = { ...facts, finished: end, isPresumed: true } as const;
  if (fate === 'silent') return presumed;
  try {
    // Its runner may have finished between our two looks; then this is refused, and what it said is read below.
    await store.finish(id, end);
  } catch {
    return presumed;
  }
  await store.removeWorkFolder(id);
  return store.facts(id);
}

/** Ends a job that no runner has claimed; false when one has. Of the starter and all readers one does it. */
export async function giveUpUnclaimed(store: JobStore, id: JobId, error: ErrorRecord, clock: Clock): Promise<boolean> {
  if (!(await claimForSelf(store, id))) return false;
  const at = clock.now().toISOString();
  return store.finish(id, { type: 'job-finished', seq: 1, at, outcome: 'failed', error, facts: NO_FACTS });
}

type JobFate = 'alive' | 'gone' | 'silent';

async function fateOfJob(store: JobStore, { record, runner }: JobFacts): Promise<JobFate> {
  const fate = await fateOf(runner?.identity ?? record.starter);
  if (fate === 'alive') return 'alive';
  if (fate === 'unknown') {
    const since = runner?.lastBeat ?? new Date(record.createdAt);
    if ((await store.now()).getTime() - since.getTime() < SILENCE_MS) return 'alive';
    if (runner !== undefined) return 'silent';
  }
  // The starter died. Its runner may be about to claim the job: who has the claim, decides.
  return runner !== undefined || (await claimForSelf(store, record.id)) ? 'gone' : 'alive';
}

async function claimForSelf(store: JobStore, id: JobId): Promise<boolean> {
  const self = await identifyProcess();
  return self !== undefined && store.claim(id, self);
}

async function interrupted(store: JobStore, facts: JobFacts, fate: JobFate, clock: Clock): Promise<FinishedEvent> {
  const { request, id } = facts.record;
  const log = await readLog(store, id);
  const means = log.hasBegun ? consequencesOf(request, log.facts) : [NOT_BEGUN];
  const isSaved = verbOf(request).isSaved?.(log.facts) === true;
  const error = {
    code: 'job.interrupted',
    message: messageOf(facts, fate),
    advice: isSaved ? 'Nothing needs to be done.' : adviceOf(fate, await isResumable(store.journalFolder(id))),
    details: { job: id },
  };
  const end = { outcome: 'interrupted', error: withConsequences(error, means), facts: log.facts } as const;
  return { type: 'job-finished', seq: log.lastSeq + 1, at: clock.now().toISOString(), ...end };
}

function messageOf({ record, runner }: JobFacts, fate: JobFate): string {
  const what = `The process that ran the ${verbOf(record.request).describe(record.request)}`;
  if (runner === undefined) return `${what} is gone.`;
  const { pid, hostname } = runner.identity;
  if (fate === 'gone') return `${what} is gone (process ${pid}).`;
  return `${what} (process ${pid} on "${hostname}") was last heard of at ${runner.lastBeat.toISOString()}.`;
}

function adviceOf(fate: JobFate, canBeResumed: boolean): string {
  if (fate === 'gone' && canBeResumed)
    return 'Start it again: it goes on where it was, as long as the host still holds its snapshots.';
  if (fate === 'gone') return 'Start it again.';
  return 'It may be asleep, and continues when it wakes; start it again only if you know that it is gone.';
}

interface LogSummary {
  readonly hasBegun: boolean;
  readonly facts: RunFacts;
  readonly lastSeq: number;
}

async function readLog(store: JobStore, id: JobId): Promise<LogSummary> {
  await using reader = new EventLogReader(store.path(id, 'events.ndjson'));
  let facts = NO_FACTS;
  let hasBegun = false;
  for await (const event of reader.read()) {
    hasBegun ||= event.type === 'job-started';
    facts = foldFacts(facts, event);
  }
  return { hasBegun, facts: unanswered(facts), lastSeq: reader.lastSeq };
}
