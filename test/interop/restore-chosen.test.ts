/** Patterns and stripped folders: what comes, what is said of the rest, and what is refused before anything is written. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { streamPoint } from '../../shared/pipeline/stream-point.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { type ForgedNode, folderChain, forgeRepository } from '../support/forged-repository.ts';
import { type RestoreOptions, restoreFrom, said } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { PASSWORD } from '../support/test-repository.ts';

const file = (name: string): ForgedNode => ({ name, type: 'file', content: [name] });
const dir = (name: string, ...children: readonly ForgedNode[]): ForgedNode => ({ name, type: 'dir', children });

let folder: TemporaryFolder;
let repository: string;
let target: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  repository = join(folder.path, 'repository');
  target = join(folder.path, 'target');
  await forgeRepository(repository, [
    dir('etc', file('hosts')),
    dir(
      'srv',
      dir('empty'),
      dir('files', dir('old', file('a.pdf')), file('b.pdf'), file('b.txt'), file('c\\xff.pdf')),
      file('z.pdf'),
    ),
  ]);
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

async function restored(options: RestoreOptions) {
  const { report, error } = await restoreFrom(repository, target, options);
  expect(said(error)).toBe('');
  const { stdout } = await execa('find', ['.', '-mindepth', '1', '-printf', '%P\\0'], {
    cwd: target,
    encoding: 'latin1',
  });
  return { paths: stdout.split('\0').slice(0, -1).sort(), left: report?.byPatterns, leftOut: report?.leftOut.count };
}

async function refused(options: RestoreOptions): Promise<string> {
  const { error } = await restoreFrom(repository, target, options);
  expect(await readdir(folder.path)).toEqual(['repository']);
  return said(error);
}

describe('patterns', () => {
  test('what fits --include comes with the folders on its way and no others', async () => {
    const { paths, left, leftOut } = await restored({ include: ['*.pdf'], exclude: ['/srv/files/old'] });
    expect(paths).toEqual(['srv', 'srv/files', 'srv/files/b.pdf', 'srv/files/c\xff.pdf', 'srv/z.pdf']);
    expect(leftOut).toBe(0);
    expect(left).toEqual({
      excluded: { count: 1, named: [{ path: '/srv/files/old', reason: '"/srv/files/old", with all that is in it' }] },
      notIncluded: 2,
    });
  });

  test('a folder that fits comes with everything below it', async () => {
    const { paths } = await restored({ include: ['files'], exclude: ['*.txt', 'old'] });
    expect(paths).toEqual(['srv', 'srv/files', 'srv/files/b.pdf', 'srv/files/c\xff.pdf']);
  });

  test('they are about what the named paths hold', async () => {
    const { paths, left } = await restored({ paths: ['/srv/files'], exclude: ['*.pdf'] });
    expect(paths).toEqual(['srv', 'srv/files', 'srv/files/b.txt', 'srv/files/old']);
    expect(left?.excluded.count).toBe(3);
  });

  test('in folders that are too deep for one path as well', async () => {
    await forgeRepository(join(folder.path, 'deep'), [
      folderChain(60, 'n'.repeat(100), [file('kept'), file('not')]),
      dir('other', file('not')),
    ]);
    const { report, error } = await restoreFrom(join(folder.path, 'deep'), target, { include: ['kept'] });
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ files: 1, folders: 60, byPatterns: { notIncluded: 2 } });
    // Node's own removal makes one path of all folders.
    await execa('rm', ['-r', target]);
  });

  test.each<[string, RestoreOptions, string]>([
    ['one that fits nothing', { exclude: ['*.pfd'] }, 'usage.invalid: The pattern "*.pfd" fits nothing'],
    ['one of many', { include: ['*.pdf', 'nothing', 'here'] }, 'The patterns "nothing", "here" fit nothing'],
    ['one outside of the named paths', { paths: ['/etc'], include: ['*.pdf'] }, 'The pattern "*.pdf" fits nothing'],
    ['one that is none', { include: ['[a'] }, 'usage.invalid: "[a" is not a pattern for paths.'],
    ['all together', { include: ['hosts'], exclude: ['etc'] }, 'fits nothing that would be restored otherwise'],
    ['all of it', { exclude: ['etc', 'srv'] }, 'The patterns leave nothing to restore.'],
  ])('%s is refused, and nothing is written', async (_, options, message) => {
    expect(await refused(options)).toContain(message);
  });
});

describe('strip', () => {
  test('leading folders are not made', async () => {
    const { paths } = await restored({ paths: ['/srv/files'], strip: 2 });
    expect(paths).toEqual(['b.pdf', 'b.txt', 'c\xff.pdf', 'old', 'old/a.pdf']);
  });

  test('together with patterns, which are about whole paths', async () => {
    const { paths } = await restored({ paths: ['/srv'], strip: 1, include: ['/srv/files/b.*', '/srv/z.pdf'] });
    expect(paths).toEqual(['files', 'files/b.pdf', 'files/b.txt', 'z.pdf']);
  });

  test('a folder that is left out may lie beside the one that is stripped', async () => {
    const { paths } = await restored({ strip: 1, exclude: ['/srv'] });
    expect(paths).toEqual(['hosts']);
  });

  test('what does not lie in one folder, or has no name left, is refused', async () => {
    expect(await refused({ strip: 1 })).toContain('in "/" there is "etc", "srv".');
    expect(await refused({ paths: ['/srv'], strip: 2 })).toContain('in "/srv" there is "empty", "files", "z.pdf" and');
    expect(await refused({ paths: ['/etc/hosts'], strip: 2 })).toContain('"/etc/hosts" is no folder');
  });
});

test('a stream knows both', async () => {
  const parts: Buffer[] = [];
  const report = await streamPoint(
    { restorePoint: 'latest', paths: ['/srv'], strip: 1, include: ['*.txt'] },
    {
      openRepository: (signal) => openRepository(createLocalBackend(repository), PASSWORD, signal),
      onPart: (part) => void parts.push(Buffer.from(part)),
    },
    never,
  );
  expect((await execa('tar', ['-t'], { input: Buffer.concat(parts) })).stdout).toBe('files/\nfiles/b.txt');
  expect(report).toMatchObject({ files: 1, folders: 1, byPatterns: { notIncluded: 4 } });
});
