import { z } from 'zod';
import { sourceName } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import { START } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { sourceInput } from '../inputs.ts';
import { describeJob, jobSummaryOf, jobSummaryShape, nextStepOf } from '../shapes/job.ts';

export const startBackup = defineTool({
  name: 'start_backup',
  title: 'Start a backup',
  description:
    'Starts a backup of a source and returns its job at once; the job runs in a process of its own and continues if this conversation ends. While a backup of the source is running, it returns that one with alreadyRunning. It makes short-lived snapshots on the host and adds a restore point; it deletes and overwrites nothing.',
  annotations: START,
  input: z.strictObject({
    source: sourceInput,
    plan: z.string().max(16).optional().describe('Id of a plan of plan_backup: exactly that one is done, or none.'),
  }),
  output: z.strictObject({
    alreadyRunning: z.boolean().describe('True if the job had been started before, by anyone.'),
    job: jobSummaryShape.describe('The job.'),
  }),
  personWords: (args) => ['backup', args.source, ...(args.plan === undefined ? [] : ['--plan', args.plan])],
  async run(args, { stillpoint, signal }) {
    const { job, alreadyRunning } = await stillpoint.startJob(
      {
        ...{ kind: 'backup', source: sourceName(args.source) },
        ...(args.plan === undefined ? {} : { plan: parsePlanId(args.plan, 'plan_backup answers with it') }),
      },
      signal,
    );
    const lead = alreadyRunning ? 'A backup of this source was running already. ' : '';
    return {
      summary: lead + describeJob(job),
      nextStep: nextStepOf(job),
      structured: { alreadyRunning, job: jobSummaryOf(job) },
    };
  },
});
