/**
 * Targets that hold less than Linux' own file systems: what cannot be kept is named, what is content comes, and what
 * cannot be at all is said before anything is restored.
 */
import { mkdir, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RestoreReport } from '../../shared/domain/verbs/restore.ts';
import { type ForgedNode, forgeRepository } from '../support/forged-repository.ts';
import { mountFilesystem } from '../support/loop-filesystem.ts';
import { mountPoorFilesystem, type PoorKind } from '../support/poor-filesystem.ts';
import { restoreFrom, said, warningsOf } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 1024 ** 2;
const ACL = Buffer.from('0200000001000600ffffffff02000400d2040000040004ffffffffff', 'hex');

let folder: TemporaryFolder;
let number = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

beforeEach(({ skip }) => skip(process.getuid?.() !== 0, 'needs root for mounts'));

async function repositoryOf(nodes: readonly ForgedNode[]): Promise<string> {
  number += 1;
  const path = join(folder.path, `repository-${number}`);
  await forgeRepository(path, nodes);
  return path;
}

const file = (name: string, content = name, more: Partial<ForgedNode> = {}): ForgedNode => ({
  name,
  type: 'file',
  content: [content],
  ...more,
});

const whatOf = (report: RestoreReport | undefined): readonly string[] =>
  (report?.notKept ?? []).map(({ what }) => what);

/** Names in the folder, in order of their bytes. */
async function namesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path)).sort();
}

async function poor(kind: PoorKind, skip: (note: string) => void) {
  const mounted = await mountPoorFilesystem(kind, folder.path, 64 * MIB, AbortSignal.timeout(180_000));
  if ('reason' in mounted) skip(mounted.reason);
  return mounted as Exclude<typeof mounted, { reason: string }>;
}

describe('exFAT', () => {
  test('content comes; what it has not is counted and named', async ({ skip }) => {
    await using mounted = await poor('exfat', skip);
    const same = { inode: 7, device_id: 1, links: 2 };
    const repository = await repositoryOf([
      {
        name: 'd',
        type: 'dir',
        uid: 5,
        children: [
          file('a', 'one', { uid: 1000, gid: 1000, ...same }),
          file('b', 'one', { uid: 1000, gid: 1000, ...same }),
          file('c', 'two', {
            extended_attributes: [
              { name: 'system.posix_acl_access', value: ACL.toString('base64') },
              { name: 'user.x', value: 'eA==' },
            ],
          }),
          { name: 'l', type: 'symlink', linktarget: 'a' },
          { name: 'p', type: 'fifo' },
          { name: 'z', type: 'chardev', device: 0x103 },
        ],
      },
    ]);
    const { error, report } = await restoreFrom(repository, mounted.path);
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ files: 3, folders: 1, others: 0, leftOut: { count: 3 } });
    expect(report?.leftOut.named.map(({ path }) => path)).toEqual(['d/l', 'd/p', 'd/z']);
    expect(await namesIn(join(mounted.path, 'd'))).toEqual(['a', 'b', 'c']);
    expect(await readFile(join(mounted.path, 'd/b'), 'utf8')).toBe('one');
    expect([...whatOf(report)].sort()).toEqual([
      'access control list (the file system has none)',
      'extended attribute (the file system has none)',
      'hard link (the file system has none, so it is a copy)',
      'owner or group (the file system has none)',
      'permissions (the file system has none)',
      'time of modification (the file system rounds it)',
    ]);
  });

  test.for<[string, string, string]>([
    ['case', 'Readme', 'README'],
    ['case of other letters', '\u00c4', '\u00e4'],
    ['a folder and a file', 'A', 'a'],
  ])(
    'names that differ in %s are refused before anything is restored, or renamed',
    async ([, one, other], { skip }) => {
      await using mounted = await poor('exfat', skip);
      const first: ForgedNode = one === 'A' ? { name: one, type: 'dir', children: [file('in')] } : file(one);
      const repository = await repositoryOf([
        { name: 'd', type: 'dir', children: [first, file(other), file('third')] },
      ]);
      const refused = await restoreFrom(repository, mounted.path);
      expect(said(refused.error)).toMatch(
        /^restore\.target: The file system of .* cannot hold one of the names as it is/,
      );
      expect(said(refused.error)).toContain('there)');
      expect(await namesIn(mounted.path)).toEqual([]);
      const { error, report } = await restoreFrom(repository, mounted.path, { rename: true });
      expect(said(error)).toBe('');
      expect(report?.leftOut.count).toBe(0);
      expect(report?.renamed.named).toHaveLength(1);
      const names = await namesIn(join(mounted.path, 'd'));
      expect(names).toHaveLength(3);
      expect(names.filter((name) => name.endsWith(' (2)'))).toHaveLength(1);
      // The content of both is there.
      const contents = await execa('sh', ['-c', 'find "$1" -type f -exec cat {} +', 'sh', mounted.path]);
      const expected = [one === 'A' ? 'in' : one, other, 'third'].join('').length;
      expect(contents.stdout).toHaveLength(expected);
    },
  );

  test('what is in the way of another name refuses the whole, as of its own', async ({ skip }) => {
    await using mounted = await poor('exfat', skip);
    const repository = await repositoryOf([
      { name: 'd', type: 'dir', children: [file('Readme'), file('README'), file('third')] },
    ]);
    await mkdir(join(mounted.path, 'd', 'readme (2)'), { recursive: true });
    const { error } = await restoreFrom(repository, mounted.path, { rename: true, overwrite: 'always' });
    expect(said(error)).toMatch(/^restore\.target: .* something is in the way .*\(2\)" \(a folder is there\)/);
    expect(await namesIn(join(mounted.path, 'd'))).toEqual(['readme (2)']);
  });

  test('a symbolic link and a folder of almost its name cannot meet', async ({ skip }) => {
    await using mounted = await poor('exfat', skip);
    const repository = await repositoryOf([
      { name: 'A', type: 'symlink', linktarget: '/etc' },
      { name: 'a', type: 'dir', children: [file('passwd', 'evil')] },
    ]);
    const { report } = await restoreFrom(repository, mounted.path, { rename: true });
    expect(report?.leftOut.named).toEqual([
      { path: 'A', reason: "it is a symbolic link, and the target's file system has none" },
    ]);
    expect(await readFile('/etc/passwd', 'utf8')).toContain('root:');
  });

  test('names that it cannot hold are refused, or renamed', async ({ skip }) => {
    await using mounted = await poor('exfat', skip);
    const names = ['a:b.txt', 'what?', '\\xff\\xfe', 'pl|pe', 'plain'];
    const repository = await repositoryOf(names.map((name) => file(name)));
    const refused = await restoreFrom(repository, mounted.path);
    expect(said(refused.error)).toContain('cannot hold 4 of the names');
    const { error, report } = await restoreFrom(repository, mounted.path, { rename: true });
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ files: 5, renamed: { count: 4 } });
    expect(await namesIn(mounted.path)).toEqual(['__', 'a_b.txt', 'pl_pe', 'plain', 'what_']);
    expect(await readFile(join(mounted.path, 'a_b.txt'), 'utf8')).toBe('a:b.txt');
  });
});

describe('NTFS that others can write to', () => {
  test('root is not led astray there, and an ordinary user is warned', async ({ skip }) => {
    await using mounted = await poor('ntfs', skip);
    const repository = await repositoryOf([file('a')]);
    const asRoot = await restoreFrom(repository, join(mounted.path, 'new'));
    expect(said(asRoot.error)).toContain('keeps neither owners nor permissions, but can hold symbolic links');
    expect((await namesIn(mounted.path)).filter((name) => !name.startsWith('System'))).toEqual([]);
    await execa('chmod', ['755', folder.path]);
    const { error, events, report } = await restoreFrom(repository, join(mounted.path, 'new'), { asNobody: true });
    expect(said(error)).toBe('');
    expect(report?.files).toBe(1);
    expect(warningsOf(events).join()).toContain('does not close a folder to other users');
  });
});

describe('a target without room', () => {
  test('is found out before anything is restored', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 3 * MIB);
    const repository = await repositoryOf([
      { name: 'big', type: 'file', content: [Buffer.alloc(2 * MIB, 1), Buffer.alloc(2 * MIB, 2)] },
    ]);
    const { error } = await restoreFrom(repository, join(mounted.path, 'new'));
    expect(said(error)).toMatch(
      /^restore\.target: .* has too little room: 4\.0 MiB are to be restored, and 3\.0 MiB are free/,
    );
    expect(await namesIn(mounted.path)).toEqual([]);
  });

  test('holes need none', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 3 * MIB);
    const zeros = Buffer.alloc(MIB / 2);
    const content = [zeros, zeros, Buffer.alloc(MIB, 1), ...Array.from({ length: 40 }, () => zeros)];
    const repository = await repositoryOf([{ name: 'sparse', type: 'file', content }]);
    const { error, report } = await restoreFrom(repository, mounted.path);
    expect(said(error)).toBe('');
    expect(report?.bytes).toBe(22 * MIB);
    expect((await stat(join(mounted.path, 'sparse'))).blocks * 512).toBeLessThan(2 * MIB);
  });

  test('too few inodes are found out as well', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 64 * MIB, ['nr_inodes=50']);
    expect((await statfs(mounted.path)).ffree).toBeLessThan(60);
    const repository = await repositoryOf(Array.from({ length: 100 }, (_, index) => file(`f${index}`)));
    const { error } = await restoreFrom(repository, mounted.path);
    expect(said(error)).toMatch(/there is room for \d+ more entries, and \d+ are to be restored/);
    expect(await namesIn(mounted.path)).toEqual([]);
  });

  test('that fills up meanwhile is a sentence, and what came stays out of the way', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 8 * MIB);
    const pieces = Array.from({ length: 6 }, (_, index) => Buffer.alloc(MIB, index + 1));
    const repository = await repositoryOf(
      pieces.map((piece, index) => ({ name: `f${index}`, type: 'file', content: [piece] })),
    );
    const target = join(mounted.path, 'new');
    const { error, events } = await restoreFrom(repository, target, {
      onEvent: (event) => {
        if (event.type === 'phase-started' && event.phase === 'restore') {
          execaSync('dd', ['if=/dev/zero', `of=${mounted.path}/somebody-else`, 'bs=1M', 'count=4']);
        }
      },
    });
    expect(said(error)).toMatch(/^restore\.target: The file system of .* is full/);
    const [work = ''] = await namesIn(target);
    expect(work).toMatch(/^\.stillpoint-restore-/);
    // From this the end of the job says where it lies.
    expect(events.filter(({ type }) => type === 'target-changed')).toEqual([
      { type: 'target-changed', path: target, work: join(target, work), state: 'filling' },
    ]);
  });

  test('and one that is mounted read-only, too', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, MIB);
    await mkdir(join(mounted.path, 'empty'));
    await execa('mount', ['-o', 'remount,ro', mounted.path]);
    const repository = await repositoryOf([file('a')]);
    for (const name of ['empty', 'new']) {
      const { error } = await restoreFrom(repository, join(mounted.path, name));
      expect(said(error)).toMatch(/^restore\.target: .*\(Read-only file system\)/);
    }
  });
});

describe('attributes', () => {
  test('a file system without ACLs and attributes costs these and nothing else', async () => {
    const path = join(folder.path, 'ramfs');
    await mkdir(path);
    await execa('mount', ['-t', 'ramfs', 'ramfs', path]);
    try {
      const attributes = [
        { name: 'system.posix_acl_access', value: ACL.toString('base64') },
        { name: 'security.capability', value: 'AQAAAgAgAAAAAAAAAAAAAAAAAAA=' },
      ];
      const repository = await repositoryOf([
        { name: 'd', type: 'dir', children: [file('a', 'a', { extended_attributes: attributes }), file('b')] },
      ]);
      const { error, events, report } = await restoreFrom(repository, path);
      expect(said(error)).toBe('');
      expect(report).toMatchObject({ files: 2, folders: 1, leftOut: { count: 0 } });
      expect(report?.notKept).toEqual([
        { what: 'access control list (the file system has none)', entries: 1, examples: ['d/a'] },
        { what: 'extended attribute (the file system has none)', entries: 1, examples: ['d/a'] },
      ]);
      expect(warningsOf(events)).toHaveLength(2);
    } finally {
      await execa('umount', [path]);
    }
  });

  test('times beyond those of the file system are named', async () => {
    await using mounted = await mountFilesystem('ext4', folder.path, 40 * MIB);
    const at = (name: string, mtime: string): ForgedNode => file(name, name, { mtime });
    const repository = await repositoryOf([
      at('past', '0001-01-01T00:00:00Z'),
      at('now', '2026-01-01T00:00:00.123456789Z'),
      at('future', '9999-12-31T23:59:59.999999999Z'),
    ]);
    const { report } = await restoreFrom(repository, mounted.path);
    expect(report?.notKept).toEqual([
      {
        what: 'time of modification (the file system cannot hold one so far away)',
        entries: 2,
        examples: ['past', 'future'],
      },
    ]);
  });
});
