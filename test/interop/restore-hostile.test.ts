/**
 * What a repository says leads no restore out of its folder: forged entries of every kind, restored as root into a
 * folder beside one that must stay untouched.
 */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobId } from '../../shared/repository/ids.ts';
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

describe('deep folders', () => {
  /** Node's own way to remove a tree is not made for these. */
  async function removed(path: string): Promise<void> {
    await execa('rm', ['-rf', path]);
  }

  /** Without `find`'s paths, which get as long as the tree is deep. */
  async function lookAt(path: string) {
    const counts = await execa('sh', [
      '-c',
      'find "$1" -mindepth 1 -type d | wc -l; find "$1" -type f | wc -l',
      'sh',
      path,
    ]);
    const content = await execa('find', [path, '-type', 'f', '-execdir', 'cat', '{}', ';']);
    return { counts: counts.stdout.split('\n').map(Number), content: content.stdout };
  }

  test.each<[string, number, string]>([
    ['1,500 folders', 1500, 'deep'],
    ['4,500 folders, more than twice what a path can name,', 4500, 'd'],
    ['60 folders of the longest names', 60, 'n'.repeat(255)],
  ])('%s in one another come back with what the last one holds', async (_, depth, name) => {
    const hard = { inode: 9, device_id: 1, links: 2 };
    const last = [
      { name: 'a', type: 'file', content: ['deep down'], ...hard },
      { name: 'b', type: 'file', content: ['deep down'], ...hard },
    ];
    try {
      const { error, report } = await restoreForged([
        folderChain(depth, name, last),
        { name: 'z', type: 'file', content: ['deep down'], inode: 9, device_id: 1, links: 3 },
      ]);
      expect(said(error)).toBe('');
      expect(report).toMatchObject({ files: 3, folders: depth, leftOut: { count: 0 } });
      const { counts, content } = await lookAt(join(target, name));
      expect(counts).toEqual([depth, 2].map((count, index) => (index === 0 ? count - 1 : count)));
      expect(content).toBe('deep downdeep down');
      // Times of folders hold, also where what is in them came later.
      const when = ['-printf', '%T@\\n'];
      const times = await execa('sh', [
        '-c',
        'find "$1" -type d "$2" "$3" | sort -u',
        'sh',
        join(target, name),
        ...when,
      ]);
      expect(times.stdout).toBe('1700000000.1234567890');
    } finally {
      await removed(target);
    }
  });

  test('a folder deep down that cannot be read costs what is in it', async () => {
    const lost = { name: 'gone', type: 'dir', children: '0'.repeat(64) as BlobId };
    try {
      const { error, report } = await restoreForged([folderChain(30, 'd'.repeat(255), [lost, passwd])]);
      expect(said(error)).toBe('');
      expect(report).toMatchObject({ files: 1, folders: 31, leftOut: { count: 1 } });
      expect(report?.leftOut.named[0]?.path).toMatch(/^d{200}…d+\/gone$/);
      expect(report?.leftOut.named[0]?.path.length).toBeLessThan(500);
    } finally {
      await removed(target);
    }
  });
});

describe('what no file can be', () => {
  test('is left out or taken off, and everything else comes', async () => {
    const value = Buffer.from('x').toString('base64');
    const { error, report } = await restoreForged([
      link('a-nul', 'x\0y'),
      link('b-empty', ''),
      link('c-long', 'x'.repeat(5000)),
      { name: 'n'.repeat(300), type: 'file', content: ['x'] },
      { name: 'nobody', type: 'file', content: ['x'], uid: 2 ** 32 - 1, mode: 0o755 + 2 ** 23 },
      { name: 'nobodys-group', type: 'file', content: ['x'], gid: 2 ** 53 - 1, mode: 0o755 + 2 ** 22 },
      {
        name: 'odd-attributes',
        type: 'file',
        content: ['x'],
        extended_attributes: [
          { name: 'user.a\0b', value },
          { name: 'no-namespace', value },
          { name: 'user.good', value },
        ],
      },
      { name: 'ok', type: 'file', content: ['fine'], size: 12345 },
    ]);
    expect(said(error)).toBe('');
    expect(report?.leftOut.named.map(({ path }) => path)).toEqual(['a-nul', 'b-empty', 'c-long', 'n'.repeat(300)]);
    for (const name of ['nobody', 'nobodys-group']) {
      const { uid, gid, mode } = await stat(join(target, name));
      expect([uid, gid, mode & 0o7777]).toEqual([0, 0, 0o755]);
    }
    expect((await execa('getfattr', ['-d', '--absolute-names', join(target, 'odd-attributes')])).stdout).toContain(
      'user.good="x"',
    );
    expect(await readFile(join(target, 'ok'), 'utf8')).toBe('fine');
  });

  test.each<[string, string[]]>([
    ['..', ['..']],
    ['.', ['.']],
    ['nothing', ['']],
    ['a slash', ['../outside/passwd']],
    ['a NUL', ['a\\x00b']],
    ['a name that is there already', ['a', 'a']],
  ])('a folder with an entry named %s is given up, and nothing else is', async (_, names) => {
    const inside = names.map((name): ForgedNode => ({ name, type: 'dir', children: [passwd] }));
    const { error, report } = await restoreForged([
      { name: 'bad', type: 'dir', children: [link('l', '../../outside'), ...inside] },
      { name: 'good', type: 'dir', children: [passwd] },
    ]);
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ files: 1, leftOut: { count: 1, named: [{ path: 'bad' }] } });
    expect(await readFile(join(target, 'good/passwd'), 'utf8')).toBe('evil');
  });

  test.each<[string, ForgedNode]>([
    ['a number of a device beyond all', { name: 'd', type: 'dev', device: 2 ** 52 }],
    ['a pipe with content', { name: 'd', type: 'fifo', content: ['x'] }],
    ['a folder without a tree', { name: 'd', type: 'dir' }],
    ['names that tar knows', { name: '././@LongLink'.replaceAll('/', '|'), type: 'file', content: ['x'] }],
  ])('%s ends no restore', async (_, node) => {
    const { error, report } = await restoreForged([node, { name: 'good', type: 'file', content: ['x'] }]);
    expect(said(error)).toBe('');
    expect(report?.files).toBeGreaterThan(0);
  });
});
