import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import type { JobState } from '../../shared/domain/job.ts';
import { type JobId, jobId } from '../../shared/domain/names.ts';
import { wholeNumber } from '../arguments.ts';
import { renderJob, renderJobs } from '../render/jobs.ts';
import type { Shell } from '../shell.ts';
import { addResume } from './jobs-resume.ts';

interface JobsOptions {
  readonly follow?: boolean;
  readonly limit: string;
  readonly own?: boolean;
  readonly state?: string;
}

const STATES = ['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled', 'interrupted'] as const;

/** `stillpoint jobs [ID]`: the jobs of all shells, or one of them. */
export function addJobs(program: Command, shell: Shell): void {
  const jobs = program
    .command('jobs')
    .description('list the jobs, whoever started them, newest first; with an id, show that one')
    .argument('[id]', 'id of a job')
    .option('-f, --follow', 'follow the job to its end; Ctrl-C only stops watching')
    .option('--limit <n>', 'jobs to list at most', '20')
    .option('--state <state>', `only jobs in this state: ${STATES.join(', ')}`)
    .option('--own', 'only jobs of this configuration')
    .addHelpText('after', '\nExample:\n  stillpoint jobs 3f2a9c51d04e7b68 --follow')
    .action(async (id: string | undefined, options: JobsOptions) => {
      if (options.follow === true) await shell.followJob((stillpoint) => stillpoint.findJob(followed(id)));
      else if (id !== undefined) {
        await shell.query(async (stillpoint) => {
          const job = await stillpoint.findJob(jobId(id));
          return { document: { job }, text: (paint) => renderJob(job, paint) };
        });
      } else {
        await shell.query(async (stillpoint) => {
          const found = await stillpoint.listJobs({
            limit: wholeNumber('--limit', options.limit, 1, 10_000),
            ...(options.own === true ? { configFile: stillpoint.configFile } : {}),
            ...(options.state === undefined ? {} : { states: [jobState(options.state)] }),
          });
          return { document: { jobs: found }, text: (paint) => renderJobs(found, stillpoint.configFile, paint) };
        });
      }
    });
  addResume(jobs, shell);
}

function followed(id: string | undefined): JobId {
  if (id !== undefined) return jobId(id);
  throw new StillpointError('usage.invalid', '--follow needs the id of a job.', {
    advice: '"stillpoint jobs" lists them.',
    cause: undefined,
  });
}

function jobState(text: string): JobState {
  const state = STATES.find((known) => known === text);
  if (state !== undefined) return state;
  throw new StillpointError('usage.invalid', `"${text}" is not the state of a job.`, {
    advice: `States are ${STATES.join(', ')}.`,
    cause: undefined,
  });
}
