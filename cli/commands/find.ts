import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import { chooseRepository } from '../arguments.ts';
import { renderFindSummary, renderHeading, renderMatch } from '../render/find.ts';
import type { Shell } from '../shell.ts';
import { type FilterOptions, filterOf, withFilter } from './filter.ts';
import { withoutLockAnyhow } from './no-lock.ts';

interface FindOptions extends FilterOptions {
  readonly repository?: string;
  readonly id?: readonly string[];
  readonly point?: readonly string[];
  readonly oldest?: string;
  readonly newest?: string;
  readonly ignoreCase?: boolean;
  readonly long?: boolean;
}

/** `stillpoint find PATTERN…`: files by name over the restore points. */
export function addFind(program: Command, shell: Shell): void {
  const command = program
    .command('find')
    .description('find files by name, or by what they need, in the restore points of a repository')
    .argument('[pattern...]', 'names or paths with *, ?, [a-z] and **; a "/" at the start anchors')
    .option('--repository <name>', 'where to look; may be left out when there is only one')
    .option('--id <id...>', 'files and folders that need this blob, tree or pack; the first 8 digits are enough')
    .option('--point <point...>', 'only in these restore points')
    .option('--oldest <time>', 'only files that were modified at this time or later, such as 2026-11-23')
    .option('--newest <time>', 'only files that were modified at this time or earlier')
    .option('-i, --ignore-case', 'upper and lower case are the same')
    .option('-l, --long', 'with mode, owner, size and time');
  withFilter(withoutLockAnyhow(command))
    .addHelpText(
      'after',
      '\nQuote patterns from your shell. What lies below a match is found too. Restore points are named by --point.\n\nExample:\n  stillpoint find "*.pdf" --host db1 --oldest 2026-11-01\n  stillpoint find ibdata1 --point latest',
    )
    .action(async (patterns: readonly string[], options: FindOptions) => {
      await shell.stream(async (stillpoint, signal, tell) => {
        if (patterns.length === 0 && options.id === undefined) throw nothingWanted();
        const repository = await chooseRepository(stillpoint, options.repository, { isOption: true });
        let heading: string | undefined;
        const summary = await stillpoint.find(
          {
            repository,
            patterns,
            ids: options.id ?? [],
            ignoreCase: options.ignoreCase === true,
            oldest: options.oldest,
            newest: options.newest,
            restorePoints: options.point ?? [],
            filter: filterOf(options),
          },
          async (match) => {
            const isNew = match.restorePoint !== heading;
            heading = match.restorePoint;
            await tell({
              document: { type: 'match', ...match },
              text: (paint) => (isNew ? renderHeading(match, paint) : '') + renderMatch(match, options.long === true),
            });
          },
          signal,
        );
        if (summary.unreadable.length > 0) shell.lookAt('find');
        return { document: { type: 'summary', ...summary }, text: (paint) => renderFindSummary(summary, paint) };
      });
    });
}

function nothingWanted(): StillpointError {
  return new StillpointError('usage.invalid', 'Nothing to find was given.', {
    advice: 'Give a pattern such as "*.pdf", or an id with --id.',
    cause: undefined,
  });
}
