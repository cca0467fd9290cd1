import { type Command, Option } from 'commander';
import { sourceName } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { exportTarget, type TargetOptions, withTarget } from './export-target.ts';

interface ExportOptions extends DetachOption, TargetOptions {
  readonly plan?: string;
  readonly acceptClockSkew?: boolean;
}

/** `stillpoint export SOURCE --tar FILE | --mirror FOLDER`: what a backup reads, where plain tools read it. */
export function addExport(program: Command, shell: Shell): void {
  const command = program
    .command('export')
    .description('write a source to an archive or a mirror instead of a repository, read it back, and follow the run')
    .argument('<source>', 'name of a source in the configuration');
  withDetach(
    withTarget(command)
      .option('--plan <id>', 'do the plan with this id, which "stillpoint plan" printed, or nothing')
      .addOption(
        new Option('--accept-clock-skew', "export although the host's clock and that of this machine are far apart"),
      ),
  )
    .addHelpText(
      'after',
      `
An archive has its name, and a new state of a mirror is its "latest", when all was read from the host, the end check has
passed, and what was written was read back. Until then the states that a mirror had are not touched.

Ctrl-C asks the run to stop and waits for its clean-up; a second Ctrl-C leaves that to the run itself.

Example:
  stillpoint export shop --tar /backup/shop.tar.zst
  stillpoint export shop --mirror /backup/shop --keep 7
  stillpoint export shop --mirror nas:/volume1/shop`,
    )
    .action(async (source: string, options: ExportOptions) => {
      const to = exportTarget(options, shell.surroundings);
      const given = {
        ...(options.plan === undefined ? {} : { plan: parsePlanId(options.plan, '"stillpoint plan" prints it') }),
        ...(options.acceptClockSkew === true ? { acceptClockSkew: true } : {}),
      };
      await shell.runJob(async () => ({ kind: 'export', source: sourceName(source), to, ...given }), {
        detach: options.detach === true,
      });
    });
}
