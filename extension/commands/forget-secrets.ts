/** Forget Remembered Passwords. */
import * as vscode from 'vscode';
import type { CommandPorts } from './ports.ts';

export async function forgetSecrets(ports: CommandPorts): Promise<void> {
  const count = await ports.secrets.forgetAll();
  ports.notify.information(
    count === 0
      ? vscode.l10n.t('No passwords were remembered.')
      : vscode.l10n.t('Forgotten passwords: {0}. You will be asked for them again.', count),
  );
}
