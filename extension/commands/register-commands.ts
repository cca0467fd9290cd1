/** Every command by its id. What a command throws is shown through the one door for messages. */
import * as vscode from 'vscode';
import { toErrorRecord } from '../../shared/base/errors.ts';
import type { Action } from '../notify.ts';
import type { ProblemNode } from '../tree/hosts-nodes.ts';
import { cancelJob } from './cancel-job.ts';
import { forgetSecrets } from './forget-secrets.ts';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';
import { refresh } from './refresh.ts';
import { showJobLog } from './show-job-log.ts';

type Command = (ports: CommandPorts, argument: unknown) => unknown;

const COMMANDS: Readonly<Record<string, Command>> = {
  'stillpoint.backUpNow': async (ports, argument) => {
    const { backUpNow } = await import('./back-up-now.ts');
    await backUpNow(ports, argument);
  },
  'stillpoint.refresh': refresh,
  'stillpoint.retry': refresh,
  'stillpoint.showRestorePoint': async (ports, argument) => {
    const { showRestorePoint } = await import('./show-restore-point.ts');
    await showRestorePoint(ports, argument);
  },
  'stillpoint.showOlder': (ports, argument) => {
    const node = nodeOf(argument, 'more-points');
    if (node !== undefined) ports.hosts.showOlder(node.source);
  },
  'stillpoint.cancelJob': cancelJob,
  'stillpoint.showJobLog': showJobLog,
  'stillpoint.createConfiguration': async (ports) => {
    const { createConfiguration } = await import('./create-configuration.ts');
    await createConfiguration(ports);
  },
  'stillpoint.openConfiguration': async (ports, argument) => {
    const { openConfiguration } = await import('./create-configuration.ts');
    await openConfiguration(ports, argument);
  },
  'stillpoint.initialiseRepository': async (ports) => {
    // Needed once in the life of a repository.
    const { initialiseRepository } = await import('./initialise-repository.ts');
    await initialiseRepository(ports);
  },
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
        ports.notify.error(error, wayToConfiguration(error));
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

/** What the configuration lacks is mended there; a secret that is not to be had lies elsewhere. */
function wayToConfiguration(thrown: unknown): Action | undefined {
  const error = toErrorRecord(thrown);
  if (!error.code.startsWith('config.') || error.code === 'config.secret-unavailable') return undefined;
  const problem: ProblemNode = { kind: 'problem', parent: undefined, error };
  return {
    title:
      error.details['setting'] === undefined ? vscode.l10n.t('Open Configuration') : vscode.l10n.t('Open the Setting'),
    run: () => vscode.commands.executeCommand('stillpoint.openConfiguration', problem),
  };
}
