/** Create Configuration and Open Configuration. An existing file is opened, never written over. */
import * as vscode from 'vscode';
import { StillpointError } from '../../shared/base/errors.ts';
import { type ConfigPlace, findConfigPlace, theSetting } from '../config-place.ts';
import { CONFIG_FILE_SETTING } from '../config-setting.ts';
import { STARTER_CONFIGURATION } from '../texts/starter-configuration.ts';
import { nodeOf } from './node-argument.ts';
import type { CommandPorts } from './ports.ts';

export async function createConfiguration(ports: CommandPorts): Promise<void> {
  const place = await ensureConfiguration(ports);
  await vscode.window.showTextDocument(await openConfigDocument(place.uri));
}

/** Writes the starter where there is no configuration. */
export async function ensureConfiguration(ports: CommandPorts): Promise<ConfigPlace> {
  const place = await findConfigPlace(ports.core);
  if (!place.exists) {
    try {
      await vscode.workspace.fs.createDirectory(vscode.Uri.joinPath(place.uri, '..'));
      await vscode.workspace.fs.writeFile(place.uri, Buffer.from(STARTER_CONFIGURATION));
    } catch (error) {
      throw notWritten(place.uri, error);
    }
    ports.hosts.refreshAll();
  }
  return place;
}

export async function openConfigDocument(uri: vscode.Uri): Promise<vscode.TextDocument> {
  return vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(uri), 'jsonc');
}

/** `argument`: the node of a problem with the configuration, to go to the place of it, or nothing. */
export async function openConfiguration(ports: CommandPorts, argument: unknown): Promise<void> {
  const setting = nodeOf(argument, 'problem')?.error.details['setting'];
  if (typeof setting === 'string') return openSetting(setting);
  const place = await findConfigPlace(ports.core);
  if (!place.exists) return createConfiguration(ports);
  const document = await openConfigDocument(place.uri);
  const at = firstProblem(nodeOf(argument, 'problem')?.error.details);
  await vscode.window.showTextDocument(document, at === undefined ? {} : { selection: new vscode.Range(at, at) });
}

/** `details.problems` of `config.invalid`: lines and columns count from one. */
function firstProblem(details: Readonly<Record<string, unknown>> | undefined): vscode.Position | undefined {
  const problems = details?.['problems'];
  const first = (Array.isArray(problems) ? problems[0] : undefined) as { line?: unknown; column?: unknown } | undefined;
  if (typeof first?.line !== 'number' || typeof first.column !== 'number') return undefined;
  return new vscode.Position(Math.max(0, first.line - 1), Math.max(0, first.column - 1));
}

/** In a remote window only the settings of that machine count, and the user's own page would not show this one. */
async function openSetting(query: string): Promise<void> {
  const page = vscode.env.remoteName === undefined ? 'openSettings' : 'openRemoteSettings';
  await vscode.commands.executeCommand(`workbench.action.${page}`, { query });
}

function notWritten({ fsPath }: vscode.Uri, cause: unknown): StillpointError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StillpointError(
    'config.not-found',
    vscode.l10n.t('The configuration file "{0}" cannot be written: {1}', fsPath, why),
    {
      advice: vscode.l10n.t(
        'Make sure that your account may write there, or name another file in the setting "{0}".',
        CONFIG_FILE_SETTING,
      ),
      details: { file: fsPath, ...theSetting() },
      cause,
    },
  );
}
