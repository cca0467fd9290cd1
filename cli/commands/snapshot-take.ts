import type { Command } from 'commander';
import { hostName } from '../../shared/domain/names.ts';
import { HOST } from '../arguments.ts';
import { renderTaken } from '../render/kept.ts';
import type { Shell } from '../shell.ts';

/** `stillpoint snapshot take HOST ID PATH`: one file or folder back from a kept set, beside what is there. */
export function addTake(snapshot: Command, shell: Shell): void {
  snapshot
    .command('take')
    .description('copy a file or a folder of a kept set to a new place on the same host')
    .argument('<host>', HOST)
    .argument('<id>', 'id of a set')
    .argument('<path>', 'an absolute path on the host, as it was then; it need not be there any more')
    .option('--to <path>', 'where on the host it shall be; nothing may be there (default: PATH.ID)')
    .addHelpText(
      'after',
      '\nNothing that is there is written to. Owners, modes, times, attributes and links are copied, and the copy is compared with the set.\n\nExample:\n  stillpoint snapshot take db1 0a1b2c3d /etc/shop.conf\n  stillpoint snapshot take db1 0a1b2c3d /srv/shop --to /srv/shop-before',
    )
    .action(async (host: string, set: string, path: string, { to }: { readonly to?: string }) => {
      await shell.query(async (stillpoint, signal) => {
        const request = { host: hostName(host), set, path, ...(to === undefined ? {} : { to }) };
        const taken = await stillpoint.takeKept(request, signal);
        return { document: { taken }, text: (paint) => renderTaken(taken, paint) };
      });
    });
}
