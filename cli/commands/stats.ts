import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import { STATS_MODES, type StatsMode } from '../../shared/domain/stats.ts';
import { chooseRepository } from '../arguments.ts';
import { renderUnreadable } from '../render/points.ts';
import { renderStats } from '../render/stats.ts';
import type { Shell } from '../shell.ts';
import { type FilterOptions, filterOf, withFilter } from './filter.ts';
import { withoutLockAnyhow } from './no-lock.ts';

interface StatsOptions extends FilterOptions {
  readonly mode: string;
}

/** `stillpoint stats [REPOSITORY] [POINT…]`: how large things are. */
export function addStats(program: Command, shell: Shell): void {
  const command = program
    .command('stats')
    .description('show how large the restore points of a repository are')
    .argument('[repository]', 'name in the configuration; may be left out when there is only one')
    .argument('[point...]', 'ids of restore points, starts of ids, or "latest"; none means all that fit')
    .option('--mode <mode>', `what to count: ${STATS_MODES.join(', ')}`, 'restore-size');
  withFilter(withoutLockAnyhow(command))
    .addHelpText(
      'after',
      '\nrestore-size: what restoring them writes; raw-data: what they take in the repository together;\nunique-files: files of different content; by-point: what each of them alone keeps in the repository.\n\nExample:\n  stillpoint stats main --mode by-point',
    )
    .action(async (given: string | undefined, points: readonly string[], options: StatsOptions) => {
      await shell.query(async (stillpoint, signal) => {
        const repository = await chooseRepository(stillpoint, given, {
          withId: (name, id) => `stillpoint stats ${name} ${id}`,
        });
        const request = {
          repository,
          mode: statsMode(options.mode),
          restorePoints: points,
          filter: filterOf(options),
        };
        const answer = await stillpoint.stats(request, signal);
        if (answer.unreadable.length > 0) shell.lookAt('stats');
        return {
          document: { repository, ...answer },
          text: (paint) => renderStats(answer.stats, paint) + renderUnreadable(answer.unreadable, paint),
        };
      });
    });
}

function statsMode(text: string): StatsMode {
  const mode = STATS_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new StillpointError('usage.invalid', `"${text}" is not a way of counting.`, {
    advice: `Choose one of ${STATS_MODES.join(', ')}.`,
    cause: undefined,
  });
}
