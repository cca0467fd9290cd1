/** Every command by its id. What a command throws is shown through the one door for messages. */
import * as vscode from 'vscode';
import { backUpNow } from './back-up-now.ts';
import { cancelJob } from './cancel-job.ts';
import { createConfiguration, openConfiguration } from './create-configuration.ts';
import { forgetSecrets } from './forget-secrets.ts';
import { initialiseRepository } from './initialise-repository.ts';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';
import { refresh } from './refresh.ts';
import { showJobLog } from './show-job-log.ts';
import { showRestorePoint } from './show-restore-point.ts';

type Command = (ports: CommandPorts, argument: unknown) => unknown;

const COMMANDS: Readonly<Record<string, Command>> = {
  'stillpoint.backUpNow': backUpNow,
  'stillpoint.refresh': refresh,
  'stillpoint.retry': refresh,
  'stillpoint.showRestorePoint': showRestorePoint,
  'stillpoint.showOlder': (ports, argument) => {
    const node = nodeOf(argument, 'more-points');
    if (node !== undefined) ports.hosts.showOlder(node.source);
  },
  'stillpoint.cancelJob': cancelJob,
  'stillpoint.showJobLog': showJobLog,
  'stillpoint.createConfiguration': createConfiguration,
  'stillpoint.openConfiguration': openConfiguration,
  'stillpoint.initialiseRepository': initialiseRepository,
  'stillpoint.forgetSecrets': forgetSecrets,
  'stillpoint.addHostFromSsh': async (ports, argument) => {
    // Edits JSON with a parser that nothing else here needs.
    const { addHostFromSsh } = await import('./add-host.ts');
    await addHostFromSsh(ports, argument);
  },
};

export function registerCommands(ports: CommandPorts): vscode.Disposable {
  const registered = Object.entries(COMMANDS).map(([id, command]) =>
    vscode.commands.registerCommand(id, async (argument: unknown) => {
      try {
        await command(ports, argument);
      } catch (error) {
        ports.notify.error(error);
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}
