import type { Command } from 'commander';
import { hostName } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import { HOST } from '../arguments.ts';
import { renderSweepPlan } from '../render/plan.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { contradiction } from './snapshot-options.ts';

interface SweepOptions extends DetachOption {
  readonly dryRun?: true;
  readonly plan?: string;
}

/** `stillpoint sweep HOST`: removes traces of ours that no running backup claims. */
export function addSweep(program: Command, shell: Shell): void {
  withDetach(
    program
      .command('sweep')
      .description('remove what runs of ours have left behind on a host; what is not surely ours is left alone')
      .argument('<host>', HOST)
      .option('--dry-run', 'only print what would be removed')
      .option('--plan <id>', 'do the plan with this id, which --dry-run printed, or nothing'),
  )
    .addHelpText('after', '\nExample:\n  stillpoint sweep db1\n  stillpoint sweep db1 --dry-run')
    .action(async (host: string, { dryRun, plan, detach }: SweepOptions) => {
      if (dryRun && plan !== undefined) throw contradiction('--dry-run and --plan');
      if (dryRun) {
        await shell.query(async (stillpoint, signal) => {
          const found = await stillpoint.planSweep(hostName(host), signal);
          return { document: { plan: found }, text: (paint) => renderSweepPlan(found, paint) };
        });
        return;
      }
      const approved =
        plan === undefined ? {} : { plan: parsePlanId(plan, '"stillpoint sweep" with --dry-run prints it') };
      await shell.runJob(async () => ({ kind: 'sweep', host: hostName(host), ...approved }), {
        detach: detach === true,
      });
    });
}
