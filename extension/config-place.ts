/** Where the configuration is, and whether it is there: what the welcome views depend on. */
import * as vscode from 'vscode';
import { isStillpointError, StillpointError } from '../shared/base/errors.ts';
import { CONFIG_FILE_SETTING, configFileIn } from './config-setting.ts';
import type { Core } from './core.ts';

export interface ConfigPlace {
  readonly uri: vscode.Uri;
  readonly exists: boolean;
}

/** The setting `stillpoint.configFile`; undefined when it is empty. Errors: `config.not-found`. */
export function configFileSetting(): string | undefined {
  return configFileIn(vscode.workspace.getConfiguration().get<unknown>(CONFIG_FILE_SETTING), vscode.l10n.t);
}

export async function findConfigPlace(core: Core): Promise<ConfigPlace> {
  const uri = vscode.Uri.file(await configFile(core));
  try {
    const { type } = await vscode.workspace.fs.stat(uri);
    if ((type & vscode.FileType.Directory) !== 0) throw isFolder(uri);
    return { uri, exists: true };
  } catch (error) {
    if (isStillpointError(error)) throw error;
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return { uri, exists: false };
    throw new StillpointError('config.not-found', `The configuration file "${uri.fsPath}" cannot be accessed.`, {
      advice: 'Make sure that your account may open the folders that lead to it, or name another file in the setting.',
      details: { file: uri.fsPath, ...theSetting() },
      cause: error,
    });
  }
}

function isFolder({ fsPath }: vscode.Uri): StillpointError {
  return new StillpointError('config.not-found', `The configuration file "${fsPath}" is a folder.`, {
    advice: `Name a file in the setting "${CONFIG_FILE_SETTING}" or in STILLPOINT_CONFIG.`,
    details: { file: fsPath, ...theSetting() },
    cause: undefined,
  });
}

/** The setting, where it is what named the file: the way to mend it. */
export function theSetting(): { readonly setting?: string } {
  return configFileSetting() === undefined ? {} : { setting: CONFIG_FILE_SETTING };
}

async function configFile(core: Core): Promise<string> {
  try {
    return await core.use(async (stillpoint) => stillpoint.configFile);
  } catch (error) {
    const named = isStillpointError(error) ? error.details['file'] : undefined;
    if (typeof named === 'string') return named;
    throw error;
  }
}
