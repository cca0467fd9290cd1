import type { Command } from 'commander';
import { sourceName } from '../../shared/domain/names.ts';
import { optionalRepository } from '../arguments.ts';
import { EXIT } from '../exit-codes.ts';
import { renderPoints } from '../render/points.ts';
import type { Shell } from '../shell.ts';
import { withoutLockAnyhow } from './no-lock.ts';

interface ListOptions {
  readonly repository?: string;
  readonly source?: string;
  readonly host?: string;
}

/** `stillpoint list`: the restore points, newest first. */
export function addList(program: Command, shell: Shell): void {
  withoutLockAnyhow(program.command('list'))
    .description('list the restore points, newest first')
    .option('--repository <name>', 'of this repository only')
    .option('--source <name>', 'of this source only')
    .option('--host <hostname>', 'of this host only, by the name that it gave itself')
    .addHelpText('after', '\nExample:\n  stillpoint list --source shop')
    .action(async (options: ListOptions) => {
      await shell.query(async (stillpoint, signal) => {
        const repository = optionalRepository(options.repository);
        const listing = await stillpoint.listRestorePoints(
          {
            ...(repository === undefined ? {} : { repository }),
            ...(options.source === undefined ? {} : { source: sourceName(options.source) }),
            ...(options.host === undefined ? {} : { hostname: options.host }),
          },
          signal,
        );
        if (listing.unreadable.length > 0) shell.exitCode = EXIT.findings;
        return { document: listing, text: (paint) => renderPoints(listing, paint) };
      });
    });
}
