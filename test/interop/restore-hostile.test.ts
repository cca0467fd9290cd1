/**
 * What a repository says leads no restore out of its folder: forged entries of every kind, restored as root into a
 * folder beside one that must stay untouched.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ForgedNode, folderChain, forgeRepository } from '../support/forged-repository.ts';
import { restoreFrom, said } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
let outside: string;
let target: string;
let before: string;

beforeEach(async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'needs root, for whom every path can be written');
  folder = await temporaryFolder();
  outside = join(folder.path, 'outside');
  target = join(folder.path, 'target');
  await mkdir(outside);
  await writeFile(join(outside, 'kept'), 'as it was');
  before = await everything(outside);
});

afterEach(async () => {
  await folder?.[Symbol.asyncDispose]();
});

/** Names, kinds, modes, owners, times to the nanosecond, link counts and content. */
async function everything(path: string): Promise<string> {
  const facts = await execa('find', [path, '-printf', '%p %y %m %U %G %s %n %T@ %C@\\n']);
  const content = await execa('sh', ['-c', 'find "$1" -type f -exec sha256sum {} +', 'sh', path]);
  return `${facts.stdout}\n${content.stdout}`;
}

async function restoreForged(nodes: readonly ForgedNode[]) {
  const repository = join(folder.path, 'repository');
  await forgeRepository(repository, nodes);
  const restored = await restoreFrom(repository, target);
  expect(await everything(outside)).toBe(before);
  return restored;
}

const passwd: ForgedNode = { name: 'passwd', type: 'file', content: ['evil'] };
const link = (name: string, to: string, more: Partial<ForgedNode> = {}): ForgedNode => ({
  name,
  type: 'symlink',
  linktarget: to,
  ...more,
});

describe('a node that is no folder has no children', () => {
  test.each<[string, ForgedNode[]]>([
    ['a symbolic link to a folder beside the target', [link('a', '../outside', { children: [passwd] })]],
    ['an absolute one', [link('a', '/OUTSIDE', { children: [passwd] })]],
    [
      'one that is the second name of another',
      [
        link('a', '../outside', { inode: 7, device_id: 1, links: 2 }),
        link('b', '../outside', { inode: 7, device_id: 1, links: 2, children: [passwd] }),
      ],
    ],
    [
      'a folder of the inode of a link',
      [
        link('a', '../outside', { inode: 7, device_id: 1, links: 2 }),
        { name: 'b', type: 'dir', inode: 7, device_id: 1, links: 2, children: [passwd] },
      ],
    ],
    ['a file', [{ name: 'a', type: 'file', content: ['x'], children: [passwd] }]],
    ['a pipe', [{ name: 'a', type: 'fifo', children: [passwd] }]],
    ['a device', [{ name: 'a', type: 'chardev', device: 0x103, children: [passwd] }]],
    [
      'a link that leads through another one',
      [link('a', '../outside'), link('b', 'a', { children: [passwd, folderChain(3, 'deeper', [passwd])] })],
    ],
  ])('%s', async (_, nodes) => {
    const own = nodes.map((node) => ({
      ...node,
      ...(node['linktarget'] === '/OUTSIDE' ? { linktarget: outside } : {}),
    }));
    const { error, report } = await restoreForged(own);
    expect(said(error)).toBe('');
    const carriers = own.filter(({ type, children }) => type !== 'dir' && children !== undefined);
    expect(report?.leftOut.named.map(({ path }) => path)).toEqual(carriers.map(({ name }) => name));
    expect((await readdir(target)).sort()).toEqual(own.map(({ name }) => name));
  });

  test('the rest of the restore point comes back', async () => {
    const { report } = await restoreForged([
      link('a', '../outside', { children: [passwd] }),
      { name: 'b', type: 'dir', children: [passwd] },
    ]);
    expect(report).toMatchObject({ files: 1, folders: 1, others: 1, leftOut: { count: 1 } });
    expect(await readFile(join(target, 'b/passwd'), 'utf8')).toBe('evil');
  });
});
