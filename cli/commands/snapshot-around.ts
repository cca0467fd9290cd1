import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import { keptBy } from '../../shared/domain/kept-name.ts';
import { hostName, newRunId } from '../../shared/domain/names.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';
import { type KeepOptions, keepRequest, requireHostOfSource, withKeepOptions } from './snapshot-options.ts';

/** `stillpoint snapshot around HOST PATH… -- COMMAND…`: a pair of sets, before and after a command. */
export function addAround(snapshot: Command, shell: Shell): void {
  withKeepOptions(
    snapshot
      .command('around')
      .description('keep snapshots, run a command on the host, and keep snapshots again: a pair')
      .usage('[options] <host> [paths...] -- <command...>'),
  )
    .addHelpText(
      'after',
      '\nThe command follows "--" and is run by ssh as "ssh HOST COMMAND" would run it: on the host, as the user of the login, with\nwhat you type and what it prints passed through. Nothing else is written to standard output, and the exit code is that of\nthe command. It is not run where the first snapshots cannot be made; the second ones are made however it ended.\n\nExample:\n  stillpoint snapshot around db1 /srv --reason upgrade -- sudo apt-get -y upgrade',
    )
    .action(async (host: string, words: readonly string[], options: KeepOptions) => {
      const { paths, command } = divide(words, shell);
      const pair = keptBy(newRunId());
      const request = keepRequest(host, paths, options);
      // Standard output belongs to the command.
      const aside = shell.onStandardError();
      const keepOnce = async (side: 'before' | 'after'): Promise<ExitCode> => {
        aside.exitCode = EXIT.ok;
        const start = async (stillpoint: Stillpoint) => {
          await requireHostOfSource(request, stillpoint);
          return { ...request, pair: { id: pair, side } };
        };
        await aside.runJob(start, { detach: false });
        return aside.exitCode;
      };
      shell.exitCode = await keepOnce('before');
      if (shell.exitCode !== EXIT.ok) return;
      let ended: number = EXIT.failed;
      await shell.act(async (stillpoint) => {
        ended = await shell.surroundings.runProgram(sshLine(await stillpoint.findLogin(hostName(host)), command));
      });
      const after = await keepOnce('after');
      shell.exitCode = (ended === 0 ? after : ended) as ExitCode;
    });
}

function sshLine(
  { ssh, sshConfigFile }: { readonly ssh: string; readonly sshConfigFile: string | undefined },
  command: readonly string[],
): readonly string[] {
  return ['ssh', ...(sshConfigFile === undefined ? [] : ['-F', sshConfigFile]), '--', ssh, ...command];
}

/** What stands behind the first "--" is the command; commander has taken that away, the words of the person still have it. */
function divide(
  words: readonly string[],
  shell: Shell,
): { readonly paths: readonly string[]; readonly command: readonly string[] } {
  const at = shell.typed.indexOf('--');
  const command = at === -1 ? [] : shell.typed.slice(at + 1);
  if (command.length === 0) {
    throw new StillpointError('usage.invalid', 'It is not said what is to be run between the snapshots.', {
      advice: 'Put the command behind "--", such as: stillpoint snapshot around db1 /srv -- sudo apt-get -y upgrade',
      cause: undefined,
    });
  }
  if (shell.isJson) {
    throw new StillpointError('usage.invalid', '--json does not go with a command that has the standard output.', {
      advice: 'Leave it out; "stillpoint snapshot list --json" shows the pair afterwards.',
      cause: undefined,
    });
  }
  return { paths: words.slice(0, words.length - command.length), command };
}
