import type { Command } from 'commander';
import { chooseRepository } from '../arguments.ts';
import { renderUnlock } from '../render/access.ts';
import type { Shell } from '../shell.ts';

interface UnlockOptions {
  readonly removeAll?: boolean;
}

/** `stillpoint unlock [REPOSITORY]`: removes the locks that dead processes left. */
export function addUnlock(program: Command, shell: Shell): void {
  program
    .command('unlock')
    .description('remove abandoned locks from a repository, and say whose they were')
    .argument('[repository]', 'name in the configuration; may be left out when there is only one')
    .option('--remove-all', 'also locks that may be in use: only when nothing works on the repository any more')
    .addHelpText(
      'after',
      '\nA lock is abandoned when it was not renewed for 30 minutes, or when its process on this machine is gone. Jobs remove the\nlock of a process that is provably dead by themselves.\n\nExample:\n  stillpoint unlock main',
    )
    .action(async (given: string | undefined, options: UnlockOptions) => {
      await shell.query(async (stillpoint, signal) => {
        const repository = await chooseRepository(stillpoint, given);
        const which = options.removeAll === true ? 'all' : 'stale';
        const report = await stillpoint.unlockRepository(repository, which, signal);
        if (which === 'all' && report.kept.length > 0) shell.lookAt('unlock');
        return {
          document: { repository, ...report },
          text: (paint) => renderUnlock(report, { repository, which }, paint),
        };
      });
    });
}
