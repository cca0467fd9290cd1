import type { Command } from 'commander';
import { renderPoints } from '../render/points.ts';
import type { Shell } from '../shell.ts';
import { type FilterOptions, filterOf, scopeOf, withFilter } from './filter.ts';
import { withoutLockAnyhow } from './no-lock.ts';

interface ListOptions extends FilterOptions {
  readonly repository?: string;
}

/** `stillpoint list`: the restore points, newest first. */
export function addList(program: Command, shell: Shell): void {
  const command = withoutLockAnyhow(program.command('list'))
    .description('list the restore points, newest first')
    .option('--repository <name>', 'of this repository only');
  withFilter(command)
    .addHelpText('after', '\nExample:\n  stillpoint list --source shop')
    .action(async (options: ListOptions) => {
      await shell.query(async (stillpoint, signal) => {
        const listing = await stillpoint.listRestorePoints(scopeOf(options), signal);
        if (listing.unreadable.length + listing.unavailable.length > 0) shell.lookAt('list');
        return { document: listing, text: (paint) => renderPoints(listing, paint, filterOf(options)) };
      });
    });
}
