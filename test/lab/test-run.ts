/**
 * What one run of tests has learnt about guests, shared by its test files, which are processes of their own: when the
 * first guest cannot start, none of the others waits for what will not come. Once a guest has started, a later one
 * that does not is a matter of its own. The folder is named after the process of the run, see `temporary-folder.ts`
 * for how it goes.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runFolderVariable } from './run-folder.ts';

/** Why no guest can start in this run, as far as is known. */
export async function whyNoGuestStarts(): Promise<string | undefined> {
  return await read('failure');
}

/** Remembers that a guest could not start, unless one has. */
export async function noteFailure(reason: string): Promise<void> {
  if ((await read('kernel')) === undefined) await write('failure', reason);
}

/** Remembers that a guest has started, and on which kernel. */
export async function noteKernel(title: string): Promise<void> {
  await write('kernel', title);
}

async function read(name: string): Promise<string | undefined> {
  const folder = process.env[runFolderVariable];
  return folder === undefined ? undefined : await readFile(join(folder, name), 'utf8').catch(() => undefined);
}

async function write(name: string, text: string): Promise<void> {
  const folder = process.env[runFolderVariable];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, name), text);
}
