/** Add Host from SSH Configuration: writes a host into the configuration, unsaved, for the user to look at. */

import { applyEdits, modify } from 'jsonc-parser';
import * as vscode from 'vscode';
import { never } from '../../shared/base/cancel.ts';
import type { HostName } from '../../shared/domain/names.ts';
import { ensureConfiguration, openConfigDocument } from './create-configuration.ts';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';

/** `argument`: a host's node or nothing. */
export async function addHostFromSsh(ports: CommandPorts, argument: unknown): Promise<void> {
  const host = nodeOf(argument, 'host')?.host.name ?? (await pickHost(ports));
  if (host === undefined) return;
  const { uri } = await ensureConfiguration(ports);
  const document = await openConfigDocument(uri);
  const editor = await vscode.window.showTextDocument(document);
  await catchUpWithDisk(document);
  const text = withHost(document.getText(), host);
  const whole = new vscode.Range(document.positionAt(0), document.positionAt(document.getText().length));
  await editor.edit((edit) => edit.replace(whole, text));
  const at = document.positionAt(Math.max(0, text.indexOf(`"${host}":`)));
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(new vscode.Range(at, at));
}

/**
 * The editor may keep the text of a file that was closed, and the file may have been changed by another program since.
 * Unsaved changes of the user stay; the editor itself asks about those when they are saved.
 */
async function catchUpWithDisk(document: vscode.TextDocument): Promise<void> {
  if (document.isDirty) return;
  const onDisk = Buffer.from(await vscode.workspace.fs.readFile(document.uri)).toString();
  if (document.getText() !== onDisk) await vscode.commands.executeCommand('workbench.action.files.revert');
}

/** The configuration's text with the host in it; comments and the order of the rest stay. */
function withHost(text: string, host: HostName): string {
  const edits = modify(
    text,
    ['hosts', host],
    { ssh: host, sudo: 'none' },
    {
      formattingOptions: { insertSpaces: true, tabSize: 2 },
    },
  );
  return applyEdits(text, edits);
}

async function pickHost(ports: CommandPorts): Promise<HostName | undefined> {
  const hosts = await ports.core.use((stillpoint) => stillpoint.listHosts(never));
  const offered = hosts.filter((host) => host.origin === 'ssh-config');
  if (offered.length === 0) {
    ports.notify.information(
      vscode.l10n.t('Your SSH configuration knows no further hosts. Write one into ~/.ssh/config first.'),
    );
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    offered.map(({ name }) => ({ label: name, name })),
    { title: vscode.l10n.t('Add Host from SSH Configuration'), placeHolder: vscode.l10n.t('Which host?') },
  );
  return picked?.name;
}
