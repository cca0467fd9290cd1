import type { Command } from 'commander';
import { sourceName } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';

interface BackupOptions extends DetachOption {
  readonly plan?: string;
  readonly acceptClockSkew?: boolean;
}

/** `stillpoint backup SOURCE`: starts the backup in a process of its own and follows it. */
export function addBackup(program: Command, shell: Shell): void {
  withDetach(
    program
      .command('backup')
      .description('back up a source and follow the run; it continues if this terminal closes')
      .argument('<source>', 'name of a source in the configuration')
      .option('--plan <id>', 'do the plan with this id, which "stillpoint plan" printed, or nothing')
      .option('--accept-clock-skew', "back up although the host's clock and that of this machine are far apart"),
  )
    .addHelpText(
      'after',
      '\nCtrl-C asks the run to stop and waits for its clean-up; a second Ctrl-C leaves that to the run itself.\n\nExample:\n  stillpoint backup shop\n  stillpoint backup shop --plan 7f3c01ab5d2e9a04',
    )
    .action(async (source: string, options: BackupOptions) => {
      const given = {
        ...(options.plan === undefined ? {} : { plan: parsePlanId(options.plan, '"stillpoint plan" prints it') }),
        ...(options.acceptClockSkew === true ? { acceptClockSkew: true } : {}),
      };
      await shell.runJob(async () => ({ kind: 'backup', source: sourceName(source), ...given }), {
        detach: options.detach === true,
      });
    });
}
