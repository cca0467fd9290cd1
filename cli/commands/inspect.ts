import type { Command } from 'commander';
import { hostName } from '../../shared/domain/names.ts';
import { HOST } from '../arguments.ts';
import { renderInventory } from '../render/inventory.ts';
import type { Shell } from '../shell.ts';

/** `stillpoint inspect HOST`: logs in, looks, changes nothing. */
export function addInspect(program: Command, shell: Shell): void {
  program
    .command('inspect')
    .description('look at the volumes of a host and what could be snapshotted; changes nothing')
    .argument('<host>', HOST)
    .addHelpText('after', '\nExample:\n  stillpoint inspect db1')
    .action(async (host: string) => {
      await shell.query(async (stillpoint, signal) => {
        const inventory = await stillpoint.inspectHost(hostName(host), signal);
        return { document: { inventory }, text: (paint) => renderInventory(inventory, paint) };
      });
    });
}
