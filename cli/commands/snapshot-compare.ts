import type { Command } from 'commander';
import { hostName } from '../../shared/domain/names.ts';
import { HOST } from '../arguments.ts';
import { renderComparison, renderKeptChange } from '../render/kept.ts';
import type { Shell } from '../shell.ts';

/** `stillpoint snapshot compare HOST ID [ID]`: what differs between two sets, or between one and now. */
export function addCompare(snapshot: Command, shell: Shell): void {
  snapshot
    .command('compare')
    .description('show what differs between two kept sets, or between one and the files as they are')
    .argument('<host>', HOST)
    .argument('<before>', 'id of a set')
    .argument('[after]', 'id of another one; without it, what is there now')
    .addHelpText(
      'after',
      '\nNo content is read: it goes by what stat(2) says.\n+ added, - removed, M other size, time, inode or target, U other owner, mode or number of names, T other type,\n? changed in a way that stat does not tell: attributes, or content whose time was set back\n\nExample:\n  stillpoint snapshot compare db1 0a1b2c3d',
    )
    .action(async (host: string, before: string, after: string | undefined) => {
      await shell.stream(async (stillpoint, signal, tell) => {
        const request = { host: hostName(host), before, ...(after === undefined ? {} : { after }) };
        const summary = await stillpoint.compareKept(
          request,
          (change) =>
            tell({ document: { type: 'change', ...change }, text: (paint) => renderKeptChange(change, paint) }),
          signal,
        );
        if (summary.notCompared.length + summary.unlisted.length > 0) shell.lookAt('snapshot compare');
        return { document: { type: 'summary', ...summary }, text: (paint) => renderComparison(summary, paint) };
      });
    });
}
