/** A configuration is replaced in one step, or refused with the reason. */
import { chmod, link, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configBytes, replaceConfig } from '../../../shared/config/replace-config.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('what is not there is made with its folders, for its user alone, unless somebody else made it', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'a/b/config.jsonc');
  expect(await configBytes(file)).toBeUndefined();
  await replaceConfig(file, undefined, '{}\n');
  expect(await readFile(file, 'utf8')).toBe('{}\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await expect(replaceConfig(file, undefined, 'other')).rejects.toMatchObject({ code: 'config.changed' });
  expect(await readdir(join(folder.path, 'a/b'))).toEqual(['config.jsonc']);
});

test('what is there keeps its mode, its links and its place, and nothing else appears', async () => {
  await using folder = await temporaryFolder();
  const real = join(folder.path, 'dotfiles.jsonc');
  const file = join(folder.path, 'config.jsonc');
  await writeFile(real, 'old');
  await chmod(real, 0o664);
  await symlink('dotfiles.jsonc', file);
  await replaceConfig(file, Buffer.from('old'), 'new');
  expect([await readFile(real, 'utf8'), await readlink(file)]).toEqual(['new', 'dotfiles.jsonc']);
  expect((await stat(real)).mode & 0o777).toBe(0o664);
  expect((await readdir(folder.path)).toSorted()).toEqual(['config.jsonc', 'dotfiles.jsonc']);
});

test.each<[why: string, prepare: (file: string, folder: string) => Promise<unknown>, code: string]>([
  ['that was changed meanwhile', (file) => writeFile(file, 'edited'), 'config.changed'],
  ['with a second name', (file, folder) => link(file, join(folder, 'second')), 'config.not-written'],
])('a file %s is left as it is', async (_, prepare, code) => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'config.jsonc');
  await writeFile(file, 'old');
  await prepare(file, folder.path);
  const before = await readFile(file, 'utf8');
  await expect(replaceConfig(file, Buffer.from('old'), 'new')).rejects.toMatchObject({ code });
  expect(await readFile(file, 'utf8')).toBe(before);
  expect((await readdir(folder.path)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('a folder in its place, and a link that leads nowhere, are refused with the reason', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'folder'));
  await expect(configBytes(join(folder.path, 'folder'))).rejects.toMatchObject({ code: 'config.not-written' });
  const dangling = join(folder.path, 'dangling');
  await symlink('nowhere', dangling);
  await expect(replaceConfig(dangling, undefined, 'new')).rejects.toMatchObject({ code: 'config.changed' });
});
