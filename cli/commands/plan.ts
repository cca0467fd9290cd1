import type { Command } from 'commander';
import { sourceName } from '../../shared/domain/names.ts';
import { renderExportPlan, renderPlan, renderScripts } from '../render/plan.ts';
import type { Shell } from '../shell.ts';
import { exportTarget, isExport, type TargetOptions, withTarget } from './export-target.ts';

interface PlanOptions extends TargetOptions {
  readonly scripts?: true;
}

/** `stillpoint plan SOURCE`: the backup, or the export, as it would be, with the very scripts on request. Changes nothing. */
export function addPlan(program: Command, shell: Shell): void {
  const command = program
    .command('plan')
    .description('print what a backup would do, or an export; changes nothing')
    .argument('<source>', 'name of a source in the configuration')
    .option('--scripts', 'print the very scripts that would change the host, and nothing else');
  withTarget(command)
    .addHelpText(
      'after',
      '\nExample:\n  stillpoint plan shop\n  stillpoint plan shop --scripts\n  stillpoint plan shop --tar /backup/shop.tar.zst',
    )
    .action(async (source: string, options: PlanOptions) => {
      const to = isExport(options) ? exportTarget(options, shell.surroundings) : undefined;
      await shell.query(async (stillpoint, signal) => {
        const name = sourceName(source);
        if (to === undefined) {
          const plan = await stillpoint.planBackup(name, signal);
          return {
            document: { plan },
            text: (paint) => (options.scripts ? renderScripts(plan) : renderPlan(plan, paint)),
          };
        }
        const plan = await stillpoint.planExport(name, to, signal);
        return {
          document: { plan },
          text: (paint) => (options.scripts ? renderScripts(plan) : renderExportPlan(plan, paint)),
        };
      });
    });
}
