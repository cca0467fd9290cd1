/** Where compiled programs are kept: in a folder of our own, or nowhere. */
import { chmod, chown, lstat, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { isOursAlone } from '../../../shared/base/compiled-programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function place(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}

test('a folder that is made is for us alone, and stays in use', async () => {
  const folder = join(await place(), 'cache', 'programs');
  expect(isOursAlone(folder)).toBe(true);
  expect((await lstat(folder)).mode & 0o777).toBe(0o700);
  expect(isOursAlone(folder)).toBe(true);
});

test.each([0o770, 0o707, 0o777])('a folder in which others can write is not used: %o', async (mode) => {
  const folder = await place();
  await chmod(folder, mode);
  expect(isOursAlone(folder)).toBe(false);
});

test.runIf(process.getuid?.() === 0)('a folder of somebody else is not used', async () => {
  const folder = join(await place(), 'programs');
  await mkdir(folder, { mode: 0o700 });
  await chown(folder, 65534, 65534);
  expect(isOursAlone(folder)).toBe(false);
});

test('what is no folder, or leads to one, is not used, and neither is an error', async () => {
  const folder = await place();
  await writeFile(join(folder, 'file'), '');
  await symlink(folder, join(folder, 'link'));
  for (const name of ['file', 'link', 'file/below']) expect(isOursAlone(join(folder, name)), name).toBe(false);
});
