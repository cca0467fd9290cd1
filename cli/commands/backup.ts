import type { Command } from 'commander';
import { sourceName } from '../../shared/domain/names.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';

/** `stillpoint backup SOURCE`: starts the backup in a process of its own and follows it. */
export function addBackup(program: Command, shell: Shell): void {
  withDetach(
    program
      .command('backup')
      .description('back up a source and follow the run; it goes on if this terminal closes')
      .argument('<source>', 'name of a source in the configuration'),
  )
    .addHelpText(
      'after',
      '\nCtrl-C asks the run to stop and waits until the host is clean; a second Ctrl-C leaves that to the run itself.\n\nExample:\n  stillpoint backup shop',
    )
    .action(async (source: string, options: DetachOption) => {
      await shell.runJob(async () => ({ kind: 'backup', source: sourceName(source) }), {
        detach: options.detach === true,
      });
    });
}
