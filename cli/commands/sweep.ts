import type { Command } from 'commander';
import { hostName } from '../../shared/domain/names.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';

/** `stillpoint sweep HOST`: removes traces of ours that no running backup claims. */
export function addSweep(program: Command, shell: Shell): void {
  withDetach(
    program
      .command('sweep')
      .description('remove what runs of ours have left behind on a host; what is not surely ours is left alone')
      .argument('<host>', 'a name that "stillpoint hosts" lists'),
  )
    .addHelpText('after', '\nExample:\n  stillpoint sweep db1')
    .action(async (host: string, options: DetachOption) => {
      await shell.runJob(async () => ({ kind: 'sweep', host: hostName(host) }), { detach: options.detach === true });
    });
}
