import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

test('a file in the place of the folder is named as what is in the way', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'file');
  await writeFile(path, '');
  await expect(createTestRepository(createLocalBackend(path))).rejects.toMatchObject({
    message: expect.stringMatching(/not a folder|not there/) as string,
  });
});
