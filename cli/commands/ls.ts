import type { Command } from 'commander';
import { cursorPlace } from '../../shared/domain/listing-cursor.ts';
import { pathInPoint, wholeNumber } from '../arguments.ts';
import { renderListing } from '../render/points.ts';
import type { Shell } from '../shell.ts';
import { type FilterOptions, scopeOf, withFilter } from './filter.ts';
import { withoutLockAnyhow } from './no-lock.ts';

interface LsOptions extends FilterOptions {
  readonly repository?: string;
  readonly limit: string;
  readonly cursor?: string;
}

/** `stillpoint ls POINT [PATH]`: the files of a folder in a restore point. */
export function addLs(program: Command, shell: Shell): void {
  const command = withoutLockAnyhow(program.command('ls'))
    .description('list the files in a folder of a restore point')
    .argument('<point>', 'id of a restore point, the start of one, or "latest"')
    .argument('[path]', 'a folder in it', '/')
    .option('--repository <name>', 'the repository of the restore point, where several hold it')
    .option('--limit <n>', 'entries to list at most', '1000')
    .option('--cursor <text>', 'continue where a listing ended');
  withFilter(command)
    .addHelpText(
      'after',
      '\nNames are shown, and typed, with \\n, \\t and \\xNN for control characters and for bytes that are not text.\n\nExample:\n  stillpoint ls latest /var/lib/mysql',
    )
    .action(async (point: string, path: string, options: LsOptions) => {
      await shell.query(async (stillpoint, signal) => {
        const limit = wholeNumber('--limit', options.limit, 1, 100_000);
        const pathToList = pathInPoint(path);
        cursorPlace(options.cursor);
        const { point: found, notes } = await stillpoint.findRestorePoint(scopeOf(options), point, signal);
        const listing = await stillpoint.browse(
          {
            repository: found.repository,
            restorePoint: found.id,
            path: pathToList,
            limit,
            ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
          },
          signal,
        );
        const document = { listing, repository: found.repository, notes };
        return { document, notes, text: (paint) => renderListing(listing, paint) };
      });
    });
}
