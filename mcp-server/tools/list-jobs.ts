import { z } from 'zod';
import { READ_LOCAL } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { pageInput, pageOf, pageOutput } from '../paging.ts';
import { JOB_STATES, jobSummaryOf, jobSummaryShape } from '../shapes/job.ts';

export const listJobs = defineTool({
  name: 'list_jobs',
  title: 'List jobs',
  description:
    'Lists the jobs of this configuration, newest first, whoever started them: a person, a timer or an assistant. Use it to find a job again, or to see what failed lately.',
  annotations: READ_LOCAL,
  input: z.strictObject({
    states: z.array(z.enum(JOB_STATES)).min(1).optional().describe('Only jobs in one of these states.'),
    allConfigurations: z
      .boolean()
      .default(false)
      .describe('Also jobs of other configurations, in which the same name may mean something else.'),
    ...pageInput,
  }),
  output: z.strictObject({ jobs: z.array(jobSummaryShape).describe('The jobs.'), ...pageOutput }),
  async run(args, { stillpoint }) {
    const found = await stillpoint.listJobs({
      ...(args.states === undefined ? {} : { states: args.states }),
      ...(args.allConfigurations ? {} : { configFile: stillpoint.configFile }),
    });
    const { entries, nextCursor } = pageOf(
      found.map((job) => jobSummaryOf(job)),
      (job) => job.jobId,
      args,
    );
    return {
      summary: `Jobs: ${entries.length} of ${found.length}.`,
      nextStep: 'get_job has the result and the events of one.',
      structured: { jobs: entries, nextCursor },
    };
  },
});
