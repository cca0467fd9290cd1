/** What the configuration says of what is left out: by patterns in files, by marks, by size. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';

describe('what a source leaves out', () => {
  let folder: TemporaryFolder;
  let home: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    home = join(folder.path, 'home');
    await mkdir(home);
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  const load = async (facts: object) => {
    const file = join(folder.path, 'config.jsonc');
    const source = { host: 'db1', paths: ['/srv/files'], repository: 'main', ...facts };
    await writeFile(file, JSON.stringify({ repositories: { main: { location: '/r' } }, sources: { shop: source } }));
    const { sources } = await loadConfiguration({ file, named: true }, home);
    return [...sources.values()][0];
  };

  test('comes from files, too: blank lines and notes do not count', async () => {
    await writeFile(join(home, 'more'), '# mine\n\n  *.tmp  \r\n/srv/files/[ab]\n');
    await writeFile(join(folder.path, 'beside'), 'cache');
    const source = await load({ exclude: ['*.bak'], excludeFiles: ['~/more', 'beside'] });
    expect(source?.exclude).toEqual(['*.bak', '*.tmp', '/srv/files/[ab]', 'cache']);
  });

  test.for([
    ['is not there', undefined],
    ['cannot be read', ''],
    ['Line 2 of', '*.tmp\n[a\n'],
    ['Line 1 of', '!keep'],
    ['is not UTF-8 text', Buffer.from([0x61, 0xff])],
    ['is larger than 1 MiB', 'x\n'.repeat(600_000)],
    ['Line 2 of ".*/list": "files" leaves out all of "/srv/files"', '# mine\nfiles'],
    ['close every bracket', '[a'],
  ] as const)('is refused with its place: a file that %s', async ([words, content]) => {
    if (content === '') await mkdir(join(home, 'list'));
    else if (content !== undefined) await writeFile(join(home, 'list'), content);
    await expect(load({ excludeFiles: ['~/list'] })).rejects.toThrow(
      new RegExp(`sources\\.shop\\.excludeFiles\\[0\\]: .*${words}`),
    );
  });

  test('comes from marks, sizes and mounts', async () => {
    const facts = {
      excludeCaches: true,
      excludeIfPresent: ['.nobackup'],
      excludeLargerThan: '5M',
      oneFileSystem: true,
    };
    expect((await load(facts))?.leaveOut).toEqual({
      ...{ caches: true, ifPresent: ['.nobackup'], largerThanBytes: 5 * 1024 ** 2, otherFileSystems: true },
    });
    expect((await load({ excludeCaches: false, oneFileSystem: false }))?.leaveOut).toBeUndefined();
  });

  test.for([
    ['excludeIfPresent', ['a/b'], 'is not the name of a file'],
    ['excludeIfPresent', ['..'], 'is not the name of a file'],
    ['excludeLargerThan', '5 miles', 'is not a size'],
    ['excludeLargerThan', 500, 'text'],
    ['excludeLargerThan', '0K', 'Only empty files would be saved. Remove it'],
    ['stop', ['a b'], 'cannot be the name of a service here. Write it as after'],
    ['stop', ['shop', 'shop'], 'The service "shop" is written twice. Keep one'],
    ['stop', ['shop', 'shop.service'], 'The service "shop.service" is written twice. Keep one'],
  ] as const)('is refused: %s of %j', async ([key, value, words]) => {
    await expect(load({ [key]: value })).rejects.toThrow(new RegExp(`sources\\.shop\\.${key}.*${words}`));
  });
});
