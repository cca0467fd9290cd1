/** Where the configuration is, and whether it is there: what the welcome views depend on. */
import * as vscode from 'vscode';
import { isStillpointError, StillpointError } from '../shared/base/errors.ts';
import type { Core } from './core.ts';

export interface ConfigPlace {
  readonly uri: vscode.Uri;
  readonly exists: boolean;
}

/** The setting `stillpoint.configFile`; undefined when it is empty. */
export function configFileSetting(): string | undefined {
  const value = vscode.workspace.getConfiguration('stillpoint').get<string>('configFile', '').trim();
  return value === '' ? undefined : value;
}

export async function findConfigPlace(core: Core): Promise<ConfigPlace> {
  const uri = vscode.Uri.file(await configFile(core));
  try {
    await vscode.workspace.fs.stat(uri);
    return { uri, exists: true };
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return { uri, exists: false };
    throw new StillpointError('config.not-found', `The configuration file "${uri.fsPath}" cannot be accessed.`, {
      advice: 'Make sure that your account may open the folders that lead to it, or name another file in the setting.',
      details: { file: uri.fsPath },
      cause: error,
    });
  }
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
