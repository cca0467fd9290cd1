/**
 * A real workbench with a real extension host, from npm: code-server, pinned, in the lab's cache. The install is lean:
 * nothing is compiled, and the parts of VS Code that need a compiler or are of no use in a test are left out. A
 * finished install appears under its name at once, so one that was broken off is never used.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheRoot } from '../lab/cache.ts';
import { lockFile } from '../lab/file-lock.ts';

/** Carries VS Code 1.139. Newer than the oldest editor in package.json's `engines`, and it needs Node 24. */
const VERSION = '4.139.1';

/** Dependencies of VS Code's server that the tests do without: assistants, and what needs a compiler. */
const LEFT_OUT = [
  '@github/copilot-sdk',
  '@vscode/copilot-api',
  '@microsoft/mxc-sdk',
  '@devcontainers/cli',
  '@vscode/sandbox-runtime',
  '@vscode/sqlite3',
  '@vscode/windows-process-tree',
  '@vscode/windows-registry',
  'kerberos',
  'ssh2',
];

/** The folder of the npm package `code-server`, installed first when it is not in the cache (about 15 s). */
export async function codeServerFolder(signal: AbortSignal): Promise<string> {
  const installed = join(cacheRoot(), `code-server-${VERSION}`);
  const folder = join(installed, 'node_modules', 'code-server');
  if (existsSync(installed)) return folder;
  await mkdir(cacheRoot(), { recursive: true, mode: 0o700 });
  await using _lock = await lockFile(join(cacheRoot(), 'code-server.lock'), signal);
  if (existsSync(installed)) return folder;
  const building = await mkdtemp(`${installed}-`);
  try {
    await installInto(building, signal);
    await rename(building, installed);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

async function installInto(folder: string, signal: AbortSignal): Promise<void> {
  const npm = (cwd: string, args: readonly string[]) =>
    execa('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...args], { cwd, cancelSignal: signal });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  await npm(folder, ['--no-save', `code-server@${VERSION}`]);

  const server = join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  const manifestFile = join(server, 'package.json');
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as {
    dependencies: Record<string, string>;
    overrides?: Record<string, unknown>;
  };
  for (const name of LEFT_OUT) delete manifest.dependencies[name];
  delete manifest.overrides?.['kerberos@2.1.1'];
  await writeFile(manifestFile, JSON.stringify(manifest, undefined, 2));
  await npm(server, ['--omit=dev']);
}
