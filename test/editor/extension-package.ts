/** The extension as users get it: built, packed as a .vsix, and installed by the server's own installer. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Builds and packs into `folder`; returns the .vsix. */
export async function packExtension(folder: string, signal: AbortSignal): Promise<string> {
  const options = { cwd: ROOT, preferLocal: true, cancelSignal: signal, all: true } as const;
  const file = join(folder, 'stillpoint.vsix');
  await execa(process.execPath, ['.ci/package.ts', '-o', file], options);
  return file;
}

export interface InstallPlace {
  readonly codeServer: string;
  readonly extensionsFolder: string;
  readonly userDataFolder: string;
}

/** Returns the folder into which the extension was unpacked. */
export async function installExtension(vsix: string, place: InstallPlace, signal: AbortSignal): Promise<string> {
  const folders = ['--extensions-dir', place.extensionsFolder, '--user-data-dir', place.userDataFolder];
  const entry = join(place.codeServer, 'out', 'node', 'entry.js');
  await execa(process.execPath, [entry, '--install-extension', vsix, ...folders], {
    env: { EXTENSIONS_GALLERY: '{}' },
    cancelSignal: signal,
  });
  const name = (await readdir(place.extensionsFolder)).find((entry) => entry.startsWith('stillpoint.stillpoint-'));
  if (name === undefined) throw new Error(`"${vsix}" was not installed into "${place.extensionsFolder}".`);
  return join(place.extensionsFolder, name);
}
