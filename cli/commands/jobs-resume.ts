import type { Command } from 'commander';
import { jobId } from '../../shared/domain/names.ts';
import { resumingRequest } from '../../shared/domain/resume.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';

/** `stillpoint jobs resume ID`: goes on with the backup of a job whose process was killed. */
export function addResume(jobs: Command, shell: Shell): void {
  withDetach(
    jobs
      .command('resume')
      .description('go on with the backup of a job whose process is gone, on the snapshots that it had made')
      .argument('<id>', 'id of a job that was interrupted'),
  )
    .addHelpText(
      'after',
      '\nThe host keeps what the job held as long as its lease; what had arrived is not sent again. The next backup of the same\nsource does the same by itself.\n\nExample:\n  stillpoint jobs resume 3f2a9c51d04e7b68',
    )
    .action(async (id: string, _options: DetachOption, command: Command) => {
      const { detach } = command.opts<DetachOption>();
      await shell.runJob(async (stillpoint) => resumingRequest(await stillpoint.findJob(jobId(id))), {
        detach: detach === true,
      });
    });
}
