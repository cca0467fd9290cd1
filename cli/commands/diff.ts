import type { Command } from 'commander';
import { chooseRepository, pathInPoint } from '../arguments.ts';
import { renderChange, renderDiffSummary } from '../render/diff.ts';
import type { Shell } from '../shell.ts';
import { type FilterOptions, filterOf, withFilter } from './filter.ts';
import { withoutLockAnyhow } from './no-lock.ts';

interface DiffOptions extends FilterOptions {
  readonly repository?: string;
  readonly exact?: boolean;
}

/** `stillpoint diff A B [PATH]`: what differs between two restore points. */
export function addDiff(program: Command, shell: Shell): void {
  const command = withoutLockAnyhow(program.command('diff'))
    .description('show what differs between two restore points')
    .argument('<before>', 'id of a restore point, the start of one, or "latest"')
    .argument('<after>', 'the one to compare it with')
    .argument('[path]', 'only this file or folder', '/')
    .option('--repository <name>', 'the repository of both; may be left out when there is only one')
    .option('--exact', 'also read folders that are the same, for exact figures instead of upper bounds');
  withFilter(command)
    .addHelpText(
      'after',
      '\n+ added, - removed, M other content, U other owner, mode, times or attributes, T other type\n\nExample:\n  stillpoint diff 3a7b9c12 latest /srv/files',
    )
    .action(async (before: string, after: string, path: string, options: DiffOptions) => {
      await shell.stream(async (stillpoint, signal, tell) => {
        const pathToCompare = pathInPoint(path);
        const repository = await chooseRepository(stillpoint, options.repository, { isOption: true });
        const summary = await stillpoint.diff(
          {
            repository,
            before,
            after,
            filter: filterOf(options),
            path: pathToCompare,
            exact: options.exact === true,
          },
          (change) => tell({ document: { type: 'change', ...change }, text: (paint) => renderChange(change, paint) }),
          signal,
        );
        return {
          document: { type: 'summary', ...summary },
          text: (paint) => renderDiffSummary(summary, paint),
        };
      });
    });
}
