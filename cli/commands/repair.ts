import type { Command } from 'commander';
import { refuseNoId } from '../../shared/domain/id-start.ts';
import type { RepairScope } from '../../shared/domain/repair-plan.ts';
import { chooseRepository, type RepositoryPlace } from '../arguments.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { type ApplyFlag, approvedPlan, withApply } from './prune-options.ts';

interface RepairFlags extends ApplyFlag, DetachOption {
  readonly readAll?: boolean;
  readonly giveUpFolders?: boolean;
  readonly forget?: boolean;
}

const HOW =
  '\nWithout --apply it says what it would do and changes nothing. Nothing else may work on the repository while it is applied. If you can, copy the repository first.';

/** `stillpoint repair index|packs|points`: what check and verify tell people to run. */
export function addRepair(program: Command, shell: Shell): void {
  const repair = program.command('repair').description('bring back what can be brought back of a damaged repository');

  withRepairOptions(
    repair
      .command('index')
      .description('show what a new index made from the packs would change, and with --apply write it')
      .argument('[repository]', 'name in the configuration; may be left out when there is only one')
      .option('--read-all', 'read the header of every pack, not only where index and packs disagree')
      .option(
        '--give-up-folders',
        'also give up folders of packs that are missing as a whole and may only be elsewhere',
      ),
  )
    .addHelpText('after', `${HOW}\n\nExample:\n  stillpoint repair index main`)
    .action(async (given: string | undefined, options: RepairFlags) => {
      const { readAll = false, giveUpFolders = false } = options;
      const scope = { ...(readAll ? { readAll } : {}), ...(giveUpFolders ? { giveUpFolders } : {}) };
      await start(shell, given, { part: 'index', ...scope }, options);
    });

  withRepairOptions(
    repair
      .command('packs')
      .description('show what can be saved of damaged packs, and with --apply save it into new ones')
      .argument('[repository]', 'name in the configuration; may be left out when there is only one')
      .argument(
        '[pack...]',
        'ids of packs, or starts of ids; without any, all packs are read to find the damaged ones',
      ),
  )
    .addHelpText('after', `${HOW}\n\nExample:\n  stillpoint repair packs main`)
    .action(async (given: string | undefined, packs: readonly string[], options: RepairFlags) => {
      const place = { ids: 'pack', withId: (name: string, id: string) => `stillpoint repair packs ${name} ${id}` };
      for (const pack of packs) refuseNoId('pack', pack, 'an id or the start of one, as check and verify name packs');
      await start(shell, given, { part: 'packs', ...(packs.length === 0 ? {} : { packs }) }, options, place);
    });

  withRepairOptions(
    repair
      .command('points')
      .description('show which restore points need lost data, and with --apply write copies without it')
      .argument('[repository]', 'name in the configuration; may be left out when there is only one')
      .option('--forget', 'also remove the damaged ones, each after its copy was proved'),
  )
    .addHelpText(
      'after',
      `\nIt sees what check sees: run "stillpoint repair packs" first.${HOW}\n\nExample:\n  stillpoint repair points main`,
    )
    .action(async (given: string | undefined, options: RepairFlags) => {
      await start(shell, given, { part: 'points', ...(options.forget === true ? { forget: true } : {}) }, options);
    });
}

function withRepairOptions(command: Command): Command {
  return withDetach(withApply(command));
}

async function start(
  shell: Shell,
  given: string | undefined,
  scope: RepairScope,
  options: RepairFlags,
  place: RepositoryPlace = {},
): Promise<void> {
  const apply = options.apply !== undefined;
  await shell.runJob(
    async (stillpoint) => {
      const plan = approvedPlan(options);
      return { kind: 'repair', repository: await chooseRepository(stillpoint, given, place), scope, apply, ...plan };
    },
    { detach: options.detach === true },
  );
}
