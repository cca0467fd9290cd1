import type { Command } from 'commander';
import type { PruneRequest } from '../../shared/domain/prune-plan.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';
import { chooseRepository } from '../arguments.ts';
import { renderPrunePlan } from '../render/maintenance.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import {
  type ApplyFlag,
  approvedPlan,
  type PruneFlags,
  pruneOptionsOf,
  withApply,
  withPruneOptions,
} from './prune-options.ts';

/** `stillpoint prune [REPOSITORY]`: the plan, and with `--apply` the deed. */
export function addPrune(program: Command, shell: Shell): void {
  const command = program
    .command('prune')
    .description('show what stored data no restore point needs, and with --apply delete it')
    .argument('[repository]', 'name in the configuration; may be left out when there is only one');
  withDetach(withApply(withPruneOptions(command)))
    .addHelpText(
      'after',
      '\nNothing else may work on the repository meanwhile.\n\nExample:\n  stillpoint prune main\n  stillpoint prune main --apply',
    )
    .action(async (given: string | undefined, options: PruneFlags & ApplyFlag & DetachOption) => {
      // First, as in forget: --apply may have taken the name of a repository for a plan
      const approved = approvedPlan(options);
      const request = async (stillpoint: Stillpoint): Promise<PruneRequest> => ({
        options: pruneOptionsOf(options),
        repository: await chooseRepository(stillpoint, given),
      });
      if (options.apply === undefined) {
        await shell.query(async (stillpoint, signal) => {
          const plan = await stillpoint.planPrune(await request(stillpoint), signal);
          return { document: { plan }, text: (paint) => renderPrunePlan(plan, paint) };
        });
        return;
      }
      await shell.runJob(async (stillpoint) => ({ kind: 'prune', ...(await request(stillpoint)), ...approved }), {
        detach: options.detach === true,
      });
    });
}
