import type { Command } from 'commander';
import { localFolder } from '../arguments.ts';
import type { Shell } from '../shell.ts';
import { withDetach } from './detach.ts';
import { scopeOf, withFilter } from './filter.ts';
import { noLockOf, withNoLock } from './no-lock.ts';
import { type RestoreOptions, targetPart, wantedPart, withTargetPart, withWantedPart } from './restore-options.ts';
import { restoreToStream } from './restore-stream.ts';

/** `stillpoint restore POINT [PATH…] --to DIR`: restores into a folder on this machine. */
export function addRestore(program: Command, shell: Shell): void {
  const command = program
    .command('restore')
    .description('restore files into a folder on this machine')
    .argument('<point>', 'id of a restore point, the start of one, or "latest"')
    .argument('[path...]', 'files and folders in it; none means everything')
    .requiredOption(
      '--to <folder>',
      'the folder to restore into, new or empty without --overwrite; "-" for a tar stream on standard output',
    )
    .option('--repository <name>', 'the repository of the restore point, where several hold it')
    .option('--rename', 'give new names to what the file system of the folder cannot hold, or not side by side');
  withDetach(withNoLock(withFilter(withTargetPart(withWantedPart(command)))))
    .addHelpText(
      'after',
      '\nPaths are typed as "stillpoint ls" shows them, with \\xNN for bytes that are not text. Quote patterns from\nyour shell; one that begins with "/" is anchored at the top of the restore point.\n\nExample:\n  stillpoint restore latest /srv/files/contract.pdf --to ./restored\n  stillpoint restore latest /srv/files --to - | tar -tv\n  stillpoint restore latest /srv/files --to ./restored --strip 2 --include "*.pdf" --exclude /srv/files/old\n  stillpoint restore latest /srv/files --to /srv/files --strip 2 --overwrite older --dry-run',
    )
    .action(async (point: string, paths: readonly string[], options: RestoreOptions) => {
      if (options.to === '-') return restoreToStream(shell, point, paths, options);
      await shell.runJob(
        async (stillpoint, signal) => {
          const target = localFolder(shell.surroundings, options.to);
          const wanted = wantedPart(paths, options);
          await stillpoint.judgeRestoreTarget(target, options.overwrite !== undefined);
          const { point: found, notes } = await stillpoint.findRestorePoint(scopeOf(options), point, signal);
          shell.note(notes);
          return {
            kind: 'restore',
            repository: found.repository,
            restorePoint: found.id,
            ...wanted,
            ...targetPart(options),
            target,
            ...(options.rename === true && { rename: true }),
            ...noLockOf(options),
          };
        },
        { detach: options.detach === true },
      );
    });
}
