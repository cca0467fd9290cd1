import type { Command } from 'commander';
import { localFolder, pathInPoint } from '../arguments.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { type FilterOptions, scopeOf, withFilter } from './filter.ts';
import { type NoLockOption, noLockOf, withNoLock } from './no-lock.ts';

interface RestoreOptions extends DetachOption, FilterOptions, NoLockOption {
  readonly to: string;
  readonly repository?: string;
  readonly rename?: boolean;
}

/** `stillpoint restore POINT [PATH…] --to DIR`: restores into a folder on this machine. */
export function addRestore(program: Command, shell: Shell): void {
  const command = program
    .command('restore')
    .description('restore files into a folder on this machine')
    .argument('<point>', 'id of a restore point, the start of one, or "latest"')
    .argument('[path...]', 'files and folders in it; none means everything')
    .requiredOption('--to <folder>', 'a new or empty folder to restore into')
    .option('--repository <name>', 'the repository of the restore point, where several hold it')
    .option('--rename', 'give new names to what the file system of the folder cannot hold, or not side by side');
  withDetach(withNoLock(withFilter(command)))
    .addHelpText(
      'after',
      '\nPaths are typed as "stillpoint ls" shows them, with \\xNN for bytes that are not text.\n\nExample:\n  stillpoint restore latest /srv/files/contract.pdf --to ./restored',
    )
    .action(async (point: string, paths: readonly string[], options: RestoreOptions) => {
      await shell.runJob(
        async (stillpoint, signal) => {
          const target = localFolder(shell.surroundings, options.to);
          const pathsInPoint = paths.map(pathInPoint);
          await stillpoint.judgeRestoreTarget(target);
          const { point: found, notes } = await stillpoint.findRestorePoint(scopeOf(options), point, signal);
          shell.note(notes);
          return {
            kind: 'restore',
            repository: found.repository,
            restorePoint: found.id,
            paths: pathsInPoint,
            target,
            ...(options.rename === true && { rename: true }),
            ...noLockOf(options),
          };
        },
        { detach: options.detach === true },
      );
    });
}
