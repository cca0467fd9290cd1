import type { Command } from 'commander';
import type { RepositoryName } from '../../shared/domain/names.ts';
import type { NewKey, NewPassword, SecretWarning } from '../../shared/domain/repository-access.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';
import { chooseRepository, localFile } from '../arguments.ts';
import { renderKeys } from '../render/access.ts';
import type { Answer, Shell } from '../shell.ts';

interface PasswordOption {
  readonly newPasswordFile?: string;
}

/** `stillpoint key list|add|change|remove`: the passwords of a repository. */
export function addKey(program: Command, shell: Shell): void {
  const key = program.command('key').description('list, add, change and remove the passwords of a repository');

  key
    .command('list')
    .description('list the keys of a repository; each is one password')
    .argument('[repository]', REPOSITORY)
    .addHelpText('after', '\nExample:\n  stillpoint key list main')
    .action(async (given: string | undefined) => {
      await shell.query(async (stillpoint, signal) => {
        const repository = await chooseRepository(stillpoint, given);
        const listing = await stillpoint.listKeys(repository, signal);
        if (listing.unreadable.length > 0) shell.lookAt('key list');
        return { document: { repository, ...listing }, text: (paint) => renderKeys(listing, paint) };
      });
    });

  withPassword(key.command('add').description('add a password to a repository; the existing ones keep working'))
    .addHelpText('after', '\nExample:\n  stillpoint key add main --new-password-file ./second-password')
    .action(async (given: string | undefined, options: PasswordOption) => {
      await shell.query(async (stillpoint, signal) => {
        const repository = await chooseRepository(stillpoint, given);
        const { id, warning } = await stillpoint.addKey(repository, newPassword(shell, options), signal);
        return {
          ...warned({ repository, id }, warning),
          text: () => `Key ${id.slice(0, 8)} added. It was tried: it opens.\n`,
        };
      });
    });

  withPassword(key.command('change').description('replace the password that now opens a repository'))
    .addHelpText('after', '\nExample:\n  stillpoint key change main')
    .action(async (given: string | undefined, options: PasswordOption) => {
      await shell.query(async (stillpoint, signal) => {
        const repository = await chooseRepository(stillpoint, given);
        const changed = await stillpoint.changeKey(repository, newPassword(shell, options), signal);
        return describeChange(repository, changed, await placeOfPassword(stillpoint, repository));
      });
    });

  key
    .command('remove')
    .description('remove a password from a repository; never the one in use')
    .argument('<key>', 'id of the key, or the start of it')
    .argument('[repository]', REPOSITORY)
    .addHelpText('after', '\nExample:\n  stillpoint key remove 1a2b3c4d main')
    .action(async (id: string, given: string | undefined) => {
      await shell.query(async (stillpoint, signal) => {
        const repository = await chooseRepository(stillpoint, given, {
          ids: 'key',
          withId: (name, key) => `stillpoint key remove ${key} ${name}`,
        });
        const { removed } = await stillpoint.removeKey(repository, id, signal);
        return {
          document: { repository, removed },
          text: () =>
            `Key ${removed.slice(0, 8)} removed: its password opens the repository no longer, unless another key has the same one.\n`,
        };
      });
    });
}

const REPOSITORY = 'name in the configuration; may be left out when there is only one';

function withPassword(command: Command): Command {
  return command
    .argument('[repository]', REPOSITORY)
    .option('--new-password-file <file>', 'read the new password from this file instead of asking for it twice');
}

function newPassword(shell: Shell, { newPasswordFile }: PasswordOption): NewPassword {
  if (newPasswordFile === undefined) return { from: 'person' };
  return { from: 'file', path: localFile(shell.surroundings, newPasswordFile) };
}

function describeChange(
  repository: RepositoryName,
  { id, removed, warning }: NewKey & { readonly removed: string },
  place: string | undefined,
): Answer {
  const reminder =
    place === undefined ? '' : `The configuration still takes the old password from ${place}: put the new one there.\n`;
  return {
    ...warned({ repository, id, removed }, warning),
    text: () =>
      `Key ${id.slice(0, 8)} instead of ${removed.slice(0, 8)}. It was tried: it opens. The old password does not, unless another key has it too.\n${reminder}`,
  };
}

function warned(document: object, warning: SecretWarning | undefined): Pick<Answer, 'document' | 'notes'> {
  if (warning === undefined) return { document };
  return {
    document: { ...document, warning },
    notes: [{ severity: 'warning', message: `${warning.message} ${warning.advice}` }],
  };
}

async function placeOfPassword(stillpoint: Stillpoint, name: RepositoryName): Promise<string | undefined> {
  const spec = (await stillpoint.listRepositories()).find((repository) => repository.name === name);
  if (spec?.passwordFile !== undefined) return `"${spec.passwordFile}"`;
  return spec?.passwordCommand === undefined ? undefined : `"${spec.passwordCommand[0]}"`;
}
