import type { Command } from 'commander';
import { sourceName } from '../../shared/domain/names.ts';
import { renderPlan } from '../render/plan.ts';
import type { Shell } from '../shell.ts';

/** `stillpoint plan SOURCE`: the backup as it would be, with the exact commands. Changes nothing. */
export function addPlan(program: Command, shell: Shell): void {
  program
    .command('plan')
    .description('print what a backup would do, with the exact commands; changes nothing')
    .argument('<source>', 'name of a source in the configuration')
    .addHelpText('after', '\nExample:\n  stillpoint plan shop')
    .action(async (source: string) => {
      await shell.query(async (stillpoint, signal) => {
        const plan = await stillpoint.planBackup(sourceName(source), signal);
        return { document: { plan }, text: (paint) => renderPlan(plan, paint) };
      });
    });
}
