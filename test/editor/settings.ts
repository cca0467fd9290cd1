/** Settings of the user that keep the workbench quiet: nothing opens, asks or reports by itself. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.colorTheme': 'Default Dark Modern',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'remote.autoForwardPorts': false,
  'chat.disableAIFeatures': true,
};

export async function writeQuietSettings(
  userDataFolder: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const folder = join(userDataFolder, 'User');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'settings.json'), JSON.stringify({ ...QUIET, ...more }, undefined, 2));
}
