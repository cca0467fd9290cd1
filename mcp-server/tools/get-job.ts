import { z } from 'zod';
import { jobId } from '../../shared/domain/names.ts';
import { READ_LOCAL } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { newEvents } from '../job-events.ts';
import { WAIT_SECONDS_MOST } from '../limits.ts';
import { eventOf, eventShape } from '../shapes/event.ts';
import { describeJob, jobOf, jobShape, nextStepOf } from '../shapes/job.ts';

export const getJob = defineTool({
  name: 'get_job',
  title: 'Look at a job',
  description:
    'Returns the state of a job, its progress, its result or error, and its events after sinceEvent. With waitSeconds it waits until the job has ended, at most that long; giving up on the call never stops the job. To wait longer, call it again with sinceEvent set to nextEvent.',
  annotations: READ_LOCAL,
  input: z.strictObject({
    jobId: z.string().max(64).describe('Id of the job, from start_backup or list_jobs.'),
    waitSeconds: z
      .number()
      .min(0)
      .max(WAIT_SECONDS_MOST)
      .default(0)
      .describe(`How long to wait for the end, 0 to ${WAIT_SECONDS_MOST} seconds.`),
    sinceEvent: z.int().min(0).default(0).describe('nextEvent of the previous answer; 0 for all events.'),
  }),
  output: z.strictObject({
    job: jobShape.describe('The job as it is now.'),
    events: z.array(eventShape).describe('Events after sinceEvent, oldest first, without progress.'),
    nextEvent: z.int().describe('Pass it as sinceEvent to get what follows.'),
  }),
  async run(args, { stillpoint, signal, reportProgress }) {
    const id = jobId(args.jobId);
    const before = await stillpoint.findJob(id);
    const { events, nextEvent } = await newEvents(stillpoint, before, {
      since: args.sinceEvent,
      waitMs: args.waitSeconds * 1000,
      signal,
      onEvent: reportProgress,
    });
    const job = await stillpoint.findJob(id);
    return {
      summary: describeJob(job),
      nextStep: nextStepOf(job),
      structured: { job: jobOf(job), events: events.map(eventOf), nextEvent },
    };
  },
});
