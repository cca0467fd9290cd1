import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolders } from '../../../shared/base/make-folders.ts';

describe('folders', () => {
  let top: string;
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), 'stillpoint-folders-'));
  });
  afterEach(() => rm(top, { recursive: true, force: true }));

  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

  test('are made with those on the way, and are good where they are there', async () => {
    await makeFolders(join(top, 'a/b/c'), 0o700);
    expect(await Promise.all(['a', 'a/b', 'a/b/c'].map((name) => modeOf(join(top, name))))).toEqual([
      0o700, 0o700, 0o700,
    ]);
    await makeFolders(join(top, 'a/b/c'), 0o755);
    expect(await modeOf(join(top, 'a/b/c'))).toBe(0o700);
    await makeFolders('/', 0o700);
  });

  test('may lie behind a link to a folder', async () => {
    await mkdir(join(top, 'real'));
    await symlink('real', join(top, 'link'));
    await makeFolders(join(top, 'link/a'), 0o700);
    expect((await stat(join(top, 'real/a'))).isDirectory()).toBe(true);
  });

  test('are not made through a file, or a link that leads nowhere', async () => {
    await writeFile(join(top, 'file'), '');
    await symlink('nowhere', join(top, 'dead'));
    await expect(makeFolders(join(top, 'file/a'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(makeFolders(join(top, 'file'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(top, 'dead'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(top, 'dead/a/b'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test('end where a file system says that what is there is missing, and do not ask for ever', async ({ skip }) => {
    if (process.platform !== 'linux') skip('only Linux has such a file system at hand');
    for (const path of ['/proc/x', '/proc/x/y/z', '/proc/self/fd/x/y']) {
      await expect(makeFolders(path, 0o700), path).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });
});
