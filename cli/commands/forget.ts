import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import type { ForgetRequest, ForgetSelection } from '../../shared/domain/forget-plan.ts';
import { LATEST } from '../../shared/domain/id-start.ts';
import type { RepositoryName } from '../../shared/domain/names.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';
import { chooseRepository } from '../arguments.ts';
import { renderForgetPlan } from '../render/maintenance.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { type KeepFlags, selectionOf, withKeepOptions } from './keep-options.ts';
import {
  type ApplyFlag,
  approvedPlan,
  type PruneFlags,
  pruneOptionsOf,
  withApply,
  withPruneOptions,
} from './prune-options.ts';

interface ForgetFlags extends KeepFlags, PruneFlags, ApplyFlag, DetachOption {
  readonly prune?: boolean;
}

/** `stillpoint forget [REPOSITORY] --keep-daily 7 …`: the plan, and with `--apply` the deed. */
export function addForget(program: Command, shell: Shell): void {
  const command = withKeepOptions(
    program
      .command('forget')
      .description('show which restore points the keep rules would forget, and with --apply forget them')
      .argument('[repository]', 'name in the configuration; may be left out when there is only one'),
  ).option('--prune', 'then prune: delete the data that no restore point needs any more');
  withDetach(withApply(withPruneOptions(command)))
    .addHelpText(
      'after',
      '\nThe rules mean what they mean to restic since 0.16, and "unlimited" is a number too. Without any, each source, or each\nthat --source names, is kept by its own "keep" in the configuration, and restore points of no source are not looked at.\n\nExample:\n  stillpoint forget main --keep-daily 7 --keep-weekly 5 --keep-monthly 12\n  stillpoint forget main --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --prune --apply',
    )
    .action(async (name: string | undefined, flags: ForgetFlags, given: Command) => {
      // First: of a repository that stands behind --apply, anything else would be said but that
      const approved = approvedPlan(flags);
      refuseIdle(flags, given);
      const request = async (stillpoint: Stillpoint): Promise<ForgetRequest> => {
        const chosen = selectionOf(flags);
        const repository = await chooseRepository(stillpoint, name, {
          // --point takes no "latest".
          withId: (right, id) => `stillpoint forget ${right} --point ${id === LATEST ? 'ID' : id}`,
        });
        const selection = chosen ?? (await rulesOfSources(stillpoint, repository, flags.source));
        return { repository, selection, ...(flags.prune === true ? { prune: pruneOptionsOf(flags) } : {}) };
      };
      if (flags.apply === undefined) {
        await shell.query(async (stillpoint, signal) => {
          const plan = await stillpoint.planForget(await request(stillpoint), signal);
          if (plan.unreadable.length > 0) shell.lookAt('forget');
          return { document: { plan }, text: (paint) => renderForgetPlan(plan, paint) };
        });
        return;
      }
      await shell.runJob(async (stillpoint) => ({ kind: 'forget', ...(await request(stillpoint)), ...approved }), {
        detach: flags.detach === true,
      });
    });
}

/** An option that would change nothing is a mistake: the plan is not the one that was meant. */
function refuseIdle({ prune, point, ...flags }: ForgetFlags, command: Command): void {
  const isGiven = (option: string): boolean => command.getOptionValueSource(option) === 'cli';
  const idle = (message: string, advice: string): StillpointError =>
    new StillpointError('usage.invalid', message, { advice, cause: undefined });
  for (const [option, flag] of PRUNE_OPTIONS) {
    if (prune === true || !isGiven(option)) continue;
    throw idle(`${flag} says how to prune.`, 'Add --prune, or leave it out.');
  }
  const hasRules = Object.keys(flags).some((key) => key.startsWith('keep') && isGiven(key));
  if (!isGiven('groupBy') || (hasRules && point === undefined)) return;
  throw idle(
    '--group-by needs keep rules on the command line.',
    'Add a rule such as --keep-daily 7, or leave it out: the restore points of a source are one group for each host.',
  );
}

const PRUNE_OPTIONS = [
  ['maxUnused', '--max-unused'],
  ['maxRepackSize', '--max-repack-size'],
  ['repackUncompressed', '--repack-uncompressed'],
] as const;

/** Without rules on the command line, those of the configuration count. */
async function rulesOfSources(
  stillpoint: Stillpoint,
  repository: RepositoryName,
  named: readonly string[] = [],
): Promise<ForgetSelection> {
  const sources = (await stillpoint.listSources()).flatMap(({ name: source, repository: place, keep: rules }) =>
    place === repository && rules !== undefined ? [{ source, rules }] : [],
  );
  const chosen = sources.filter(({ source }) => named.length === 0 || named.includes(source));
  const without = named.find((name) => !chosen.some(({ source }) => source === name));
  if (without !== undefined) {
    throw new StillpointError('usage.invalid', `No source "${without}" of "${repository}" has keep rules of its own.`, {
      advice: `${sources.length === 0 ? 'None has any' : `Those that have are ${sources.map(({ source }) => `"${source}"`).join(', ')}`}; give keep rules such as --keep-daily 7, or write "keep" into the source.`,
      cause: undefined,
    });
  }
  if (chosen.length > 0) return { by: 'sources', sources: chosen };
  throw new StillpointError('usage.invalid', 'Nothing says which restore points to keep or to forget.', {
    advice: `Give keep rules such as --keep-daily 7, or --point with an id, or write "keep" into a source of "${repository}".`,
    cause: undefined,
  });
}
