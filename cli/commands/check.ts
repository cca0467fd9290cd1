import type { Command } from 'commander';
import { chooseRepository } from '../arguments.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { type NoLockOption, noLockOf, withNoLock } from './no-lock.ts';

interface CheckOptions extends DetachOption, NoLockOption {
  readonly headers?: boolean;
}

/** `stillpoint check [REPOSITORY]`: the structure, without reading content. */
export function addCheck(program: Command, shell: Shell): void {
  withDetach(
    withNoLock(
      program
        .command('check')
        .description("check a repository's structure: every restore point leads to stored data; content is not read")
        .argument('[repository]', 'name in the configuration; may be left out when there is only one'),
    ),
  )
    .addHelpText('after', '\nExample:\n  stillpoint check main')
    .option('--headers', 'also compare the header of every pack with the index: one small request for each')
    .action(async (given: string | undefined, options: CheckOptions) => {
      const settings = { ...(options.headers === true ? { headers: true } : {}), ...noLockOf(options) };
      await shell.runJob(
        async (stillpoint) => ({ kind: 'check', repository: await chooseRepository(stillpoint, given), ...settings }),
        { detach: options.detach === true },
      );
    });
}
