import type { Command } from 'commander';
import { chooseRepository } from '../arguments.ts';
import type { Shell } from '../shell.ts';

/** `stillpoint init [REPOSITORY]`: creates the repository that the configuration names. */
export function addInit(program: Command, shell: Shell): void {
  program
    .command('init')
    .description('create a repository at its configured location')
    .argument('[repository]', 'name in the configuration; may be left out when there is only one')
    .addHelpText('after', '\nExample:\n  stillpoint init main')
    .action(async (given: string | undefined) => {
      await shell.query(
        async (stillpoint, signal) => {
          const repository = await chooseRepository(stillpoint, given);
          const { id, location } = await stillpoint.initRepository(repository, signal);
          return {
            document: { repository, id },
            text: () =>
              `Repository "${repository}" created at ${location}, id ${id}.\nKeep its password somewhere else too: without it nothing can be restored.\n`,
          };
        },
        { choosesPassword: true },
      );
    });
}
