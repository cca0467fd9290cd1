import type { Command } from 'commander';
import { sourceName } from '../../shared/domain/names.ts';
import { renderPlan, renderScripts } from '../render/plan.ts';
import type { Shell } from '../shell.ts';

/** `stillpoint plan SOURCE`: the backup as it would be, with the very scripts on request. Changes nothing. */
export function addPlan(program: Command, shell: Shell): void {
  program
    .command('plan')
    .description('print what a backup would do; changes nothing')
    .argument('<source>', 'name of a source in the configuration')
    .option('--scripts', 'print the very scripts that would change the host, and nothing else')
    .addHelpText('after', '\nExample:\n  stillpoint plan shop\n  stillpoint plan shop --scripts')
    .action(async (source: string, options: { readonly scripts?: true }) => {
      await shell.query(async (stillpoint, signal) => {
        const plan = await stillpoint.planBackup(sourceName(source), signal);
        return {
          document: { plan },
          text: (paint) => (options.scripts ? renderScripts(plan) : renderPlan(plan, paint)),
        };
      });
    });
}
