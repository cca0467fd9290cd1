/** A job as an answer: one shape for every state, so that a waiting assistant always reads the same fields. */
import { z } from 'zod';
import { redact } from '../../shared/base/log.ts';
import { isFinished, type Job } from '../../shared/domain/job.ts';
import { isPartial, madePoint } from '../../shared/domain/verbs/verbs.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { personCommand } from '../person-command.ts';
import { answeredVerb, JOB_KINDS, resultShape } from '../verbs.ts';
import { factsOf, factsShape } from './facts.ts';

export const JOB_STATES = [
  'queued',
  'running',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
  'interrupted',
] as const;

/** When to look again at a job that is not finished. */
const NEXT_POLL_SECONDS = 10;

export const jobShape = z.strictObject({
  jobId: z.string().describe('Id of the job; get_job takes it.'),
  kind: z.enum(JOB_KINDS).describe('What it does.'),
  configuration: z.string().describe('The configuration file that defines its names.'),
  subject: z.string().describe('The source, restore point, repository or host that it is about.'),
  state: z.enum(JOB_STATES).describe('queued, running and cancelling are not final; the others are.'),
  finished: z.boolean().describe('Whether the state is final.'),
  phase: z.string().nullable().describe('The current part of the run; null before and after.'),
  percent: z.int().min(0).max(99).nullable().describe('How far the phase is; null if unknown.'),
  bytesDone: z.int().nullable().describe('Bytes that the phase has done; null if it counts none.'),
  bytesTotal: z.int().nullable().describe('Bytes that the phase has to do; null if unknown.'),
  createdAt: z.string().describe('When it was asked for, ISO 8601.'),
  startedAt: z.string().nullable().describe('When it began, ISO 8601.'),
  finishedAt: z.string().nullable().describe('When it ended, ISO 8601.'),
  nextPollSeconds: z.int().describe('When to ask again; 0 when it has finished.'),
  result: resultShape.nullable().describe('What it proved; null unless it succeeded.'),
  facts: factsShape.nullable().describe('What it did that lasts, however it ended; null before its end.'),
  error: z
    .strictObject({
      code: z.string().describe('Stable code of the error.'),
      message: foreignText('What happened.'),
      advice: foreignText('What it means and what to do next.'),
      command: z.string().nullable().describe('What a person has to run in a terminal, if that would help.'),
    })
    .nullable()
    .describe('Why it failed; null otherwise.'),
});

/** A job without its result and facts, where that would only fill the answer; get_job has it. */
export const jobSummaryShape = jobShape.omit({ result: true, facts: true });

export function jobSummaryOf(job: Job): z.input<typeof jobSummaryShape> {
  const { result: _, facts: __, ...summary } = jobOf(job);
  return summary;
}

export function jobOf(job: Job): z.input<typeof jobShape> {
  const finished = isFinished(job.state);
  const { request, progress, error } = job;
  const verb = answeredVerb(request);
  return {
    jobId: job.id,
    kind: request.kind,
    configuration: job.configFile,
    subject: verb.subject(request),
    state: job.state,
    finished,
    phase: finished ? null : (job.phase ?? null),
    percent: finished ? null : percentOf(progress?.bytesDone, progress?.bytesTotal),
    bytesDone: progress?.bytesDone ?? null,
    bytesTotal: progress?.bytesTotal ?? null,
    createdAt: job.createdAt,
    startedAt: job.startedAt ?? null,
    finishedAt: job.finishedAt ?? null,
    nextPollSeconds: finished ? 0 : NEXT_POLL_SECONDS,
    result: job.result === undefined ? null : answeredVerb(job.result).result(job.result),
    facts: job.facts === undefined ? null : factsOf(job.facts),
    error:
      error === undefined
        ? null
        : {
            code: error.code,
            message: foreign(redact(error.message)),
            advice: foreign(redact(error.advice)),
            command: personCommand(error, [request.kind, ...verb.words(request)], job.configFile) ?? null,
          },
  };
}

function percentOf(done: number | undefined, total: number | undefined): number | null {
  if (done === undefined || total === undefined || total <= 0) return null;
  // A phase that is still running is not done, whatever it has counted.
  return Math.min(99, Math.floor((done / total) * 100));
}

export function nextStepOf(job: Job): string {
  if (!isFinished(job.state)) return `get_job with jobId ${job.id} and waitSeconds waits for its end.`;
  if (madePoint(job.result) !== undefined) return 'browse_files lists what is in the restore point.';
  return job.error === undefined ? 'Nothing: it is done.' : 'Read its error; it says what to do.';
}

/** A sentence of our own words about a job. */
export function describeJob(job: Job): string {
  if (isPartial(job.result)) return `Job ${job.id} has succeeded in part: its result names what is missing.`;
  if (isFinished(job.state))
    return `Job ${job.id} has ${job.state === 'interrupted' ? 'been interrupted' : ENDED[job.state]}.`;
  const phase = job.phase === undefined ? '' : `, phase ${job.phase}`;
  return `Job ${job.id} is ${job.state}${phase}. It continues even if this conversation ends.`;
}

const ENDED = { succeeded: 'succeeded', failed: 'failed', cancelled: 'been cancelled' } as const;
