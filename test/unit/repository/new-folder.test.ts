import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository } from '../../support/test-repository.ts';

test.each([[['passwd']], [['hosts', 'data']], [['a', 'b', 'c', 'd']]])(
  'a folder that holds %j gets no repository, and nothing in it changes',
  async (names) => {
    await using folder = await temporaryFolder();
    for (const name of names) await writeFile(join(folder.path, name), name);
    await expect(createTestRepository(createLocalBackend(folder.path))).rejects.toMatchObject({
      code: 'usage.invalid',
      message: expect.stringContaining('is not empty') as string,
    });
    expect((await readdir(folder.path)).toSorted()).toEqual(names.toSorted());
  },
);

test('an empty folder gets one, also at the top of a file system, and where an earlier try was cut', async () => {
  await using folder = await temporaryFolder();
  for (const name of ['lost+found', '.Trash-1000', 'keys', 'locks']) await mkdir(join(folder.path, name));
  await using repository = await createTestRepository(createLocalBackend(folder.path));
  expect(repository.version).toBe(2);
});

test.each<[string, (folder: string) => string | Promise<string>, string]>([
  [
    'a file',
    async (folder) => await made(writeFile, join(folder, 'file')),
    'something that is not a folder is in the way',
  ],
  [
    'a place below a file',
    async (folder) => join(await made(writeFile, join(folder, 'file')), 'in', 'it'),
    'not a folder',
  ],
  ['a dead link', async (folder) => await made(linkToNothing, join(folder, 'link')), 'is in the way'],
  ['links in a circle', async (folder) => await made(linkToItself, join(folder, 'circle')), 'lead in a circle'],
  ['a name of 300 characters', (folder) => join(folder, 'x'.repeat(300)), 'too long'],
  ['/proc', () => '/proc/stillpoint/repository', 'no folder can be made there'],
  ['/proc itself', () => '/proc', 'is not empty'],
])('%s gets no repository: another place is the advice', async (_what, place, why) => {
  await using folder = await temporaryFolder();
  const backend = createLocalBackend(await place(folder.path));
  const error: unknown = await createTestRepository(backend).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: expect.stringContaining(why) as string, retry: 'never' });
  expect((error as StillpointError).advice).toMatch(
    /^Choose (another location|a new or an empty folder)|the location in the configuration is right/,
  );
});

async function made(make: (path: string, content: string) => Promise<void>, path: string): Promise<string> {
  await make(path, '');
  return path;
}

const linkToNothing = (path: string): Promise<void> => symlink('nowhere/at/all', path);
const linkToItself = (path: string): Promise<void> => symlink(path, path);

test.each(['data', 'index', 'snapshots', 'keys'])(
  'where only files in "%s" are left of a repository, no new one is made over them',
  async (left) => {
    await using folder = await temporaryFolder();
    const name = 'ab'.repeat(32);
    const place = left === 'data' ? join(folder.path, left, 'ab') : join(folder.path, left);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, name), 'what a repository had');
    await expect(createTestRepository(createLocalBackend(folder.path))).rejects.toMatchObject({
      code: 'repository.exists',
      advice: expect.stringContaining('from a copy') as string,
    });
    expect(await readdir(folder.path)).toEqual([left]);
  },
);

const NAME = 'ab'.repeat(32);
const PARTS = { config: 'config', keys: `keys/${NAME}`, data: `data/ab/${NAME}`, snapshots: `snapshots/${NAME}` };

test.each<[(keyof typeof PARTS)[], RegExp, RegExp | undefined]>([
  [['config', 'keys', 'data'], /^Use it with its password/, /empty/],
  [['config', 'data'], /has data, but no keys.*from a copy/, /password|empty/],
  [['config'], /has no keys and no data/, /password/],
  [['keys', 'data'], /has data, but no file "config".*from a copy/, /empty/],
  [['keys', 'snapshots'], /has data, but no file "config".*from a copy/, /empty/],
  [['keys'], /has no file "config" and no data.*from a copy/, undefined],
])('an init over %j says what is lacking, and advises to empty nothing that holds data', async (there, says, never) => {
  await using folder = await temporaryFolder();
  for (const part of there) {
    await mkdir(join(folder.path, PARTS[part], '..'), { recursive: true });
    await writeFile(join(folder.path, PARTS[part]), part);
  }
  const error = await createTestRepository(createLocalBackend(folder.path)).catch((thrown: unknown) => thrown);
  const { code, advice } = error as StillpointError;
  expect(code).toBe('repository.exists');
  expect(advice).toMatch(says);
  if (never !== undefined) expect(advice).not.toMatch(never);
});
