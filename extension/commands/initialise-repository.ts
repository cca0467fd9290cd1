/** Initialise Repository: creates one that the configuration names. */
import * as vscode from 'vscode';
import { StillpointError } from '../../shared/base/errors.ts';
import { signalOf } from '../cancel.ts';
import type { CommandPorts } from './ports.ts';

export async function initialiseRepository(ports: CommandPorts): Promise<void> {
  const title = vscode.l10n.t('Initialise Repository');
  const repositories = await ports.core.use((stillpoint) => stillpoint.listRepositories());
  if (repositories.length === 0) {
    const file = await ports.core.use(async (stillpoint) => stillpoint.configFile);
    throw new StillpointError('config.unknown-repository', vscode.l10n.t('"{0}" names no repository.', file), {
      advice: vscode.l10n.t('Write one under "repositories", then initialise it.'),
      cause: undefined,
    });
  }
  const picked = await vscode.window.showQuickPick(
    repositories.map(({ name, location }) => ({ label: name, description: location, name, location })),
    { title, placeHolder: vscode.l10n.t('Which repository?') },
  );
  if (picked === undefined) return;
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `${title}: ${picked.name}`, cancellable: true },
    async (_progress, token) => {
      using cancel = signalOf(token, title);
      await ports.prompter.choosingPassword(() =>
        ports.core.converse((stillpoint) => stillpoint.initRepository(picked.name, cancel.signal)),
      );
    },
  );
  ports.notify.information(
    vscode.l10n.t(
      'Repository "{0}" was created at "{1}". Keep its password somewhere else too: without it nothing can be restored.',
      picked.name,
      picked.location,
    ),
  );
}
