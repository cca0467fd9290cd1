import type { Command } from 'commander';
import { refuseNoPoint } from '../../shared/domain/id-start.ts';
import { repositoryName } from '../../shared/domain/names.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { type FilterOptions, filterOf, withFilter } from './filter.ts';
import { type NoLockOption, noLockOf, withNoLock } from './no-lock.ts';

interface CopyOptions extends DetachOption, FilterOptions, NoLockOption {
  readonly from: string;
  readonly to: string;
}

/** `stillpoint copy --from REPO --to REPO [POINT…]`: restore points into a second repository. */
export function addCopy(program: Command, shell: Shell): void {
  const command = program
    .command('copy')
    .description('copy restore points into a second repository; what it has already is not read')
    .argument('[point...]', 'ids of restore points, starts of ids, or "latest"; none means all that fit')
    .requiredOption('--from <repository>', 'the repository to read')
    .requiredOption('--to <repository>', 'the repository to write; it must have been created by init');
  withDetach(withNoLock(withFilter(command)))
    .addHelpText(
      'after',
      '\nEvery blob is proved against its id on the way. Copying again copies only what is new.\n\nExample:\n  stillpoint copy --from main --to offsite',
    )
    .action(async (points: readonly string[], options: CopyOptions) => {
      await shell.runJob(
        async () => {
          for (const wanted of points) refuseNoPoint(wanted);
          return {
            kind: 'copy',
            from: repositoryName(options.from),
            to: repositoryName(options.to),
            restorePoints: points,
            filter: filterOf(options),
            ...noLockOf(options),
          };
        },
        { detach: options.detach === true },
      );
    });
}
