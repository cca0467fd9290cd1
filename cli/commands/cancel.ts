import type { Command } from 'commander';
import { isFinished } from '../../shared/domain/job.ts';
import { jobId } from '../../shared/domain/names.ts';
import type { Shell } from '../shell.ts';
import { describeRequest } from '../verbs.ts';

/** `stillpoint cancel JOB`: asks a job to stop and clean up; does not wait for it. */
export function addCancel(program: Command, shell: Shell): void {
  program
    .command('cancel')
    .description('ask a job to stop; it cleans up on the host before it ends')
    .argument('<job>', 'id of a job')
    .addHelpText('after', '\nExample:\n  stillpoint cancel 3f2a9c51d04e7b68')
    .action(async (id: string) => {
      await shell.query(async (stillpoint) => {
        const job = await stillpoint.cancelJob(jobId(id));
        const what = `Job ${job.id} (${describeRequest(job.request)})`;
        return {
          document: { job },
          text: () =>
            isFinished(job.state)
              ? `${what} had ended already: ${job.state}.\n`
              : `${what} was asked to stop and is cleaning up.\nFollow it with: stillpoint jobs ${job.id} --follow\n`,
        };
      });
    });
}
