import type { Command } from 'commander';
import { hostName } from '../../shared/domain/names.ts';
import { HOST } from '../arguments.ts';
import { renderReadiness } from '../render/readiness.ts';
import type { Shell } from '../shell.ts';

/** `stillpoint advise HOST`: what to see to before a backup, with the lines that mend it. Changes nothing. */
export function addAdvise(program: Command, shell: Shell): void {
  program
    .command('advise')
    .description('say what would be inconsistent, left out or dangerous on a host, and what mends it; changes nothing')
    .argument('<host>', HOST)
    .addHelpText(
      'after',
      '\nThe lines that it prints are for you to look at and to run; none of them is run by Stillpoint.\n"stillpoint setup" writes the source that it proposes into the configuration.\n\nExample:\n  stillpoint advise db1',
    )
    .action(async (host: string) => {
      await shell.query(async (stillpoint, signal) => {
        const readiness = await stillpoint.adviseHost(hostName(host), signal);
        return { document: { readiness }, text: (paint) => renderReadiness(readiness, paint) };
      });
    });
}
