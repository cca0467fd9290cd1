import type { Command } from 'commander';
import { chooseRepository } from '../arguments.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';

/** `stillpoint verify [REPOSITORY]`: all data, read and compared with its names. */
export function addVerify(program: Command, shell: Shell): void {
  withDetach(
    program
      .command('verify')
      .description('prove a repository by reading all of its data')
      .argument('[repository]', 'name in the configuration; may be left out when there is only one'),
  )
    .addHelpText('after', '\nExample:\n  stillpoint verify main')
    .action(async (given: string | undefined, options: DetachOption) => {
      await shell.runJob(
        async (stillpoint) => ({ kind: 'verify', repository: await chooseRepository(stillpoint, given) }),
        { detach: options.detach === true },
      );
    });
}
