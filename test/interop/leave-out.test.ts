/** What is left out by other means than patterns is what restic leaves out: the same tree, with restic as the judge. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LeaveOut } from '../../shared/domain/source.ts';
import { createRegistry, type Registry } from '../../shared/snapshot/registry.ts';
import { backUpHere, makeRepository, planHere } from '../support/backing-up.ts';
import { needing } from '../support/needing.ts';
import { keeperOf } from '../support/quiesce/flag-file.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { said, warningsOf } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55';
const FILES: Readonly<Record<string, string>> = {
  a: 'a',
  large: 'x'.repeat(2000),
  just: 'x'.repeat(1024),
  'cache/CACHEDIR.TAG': `${SIGNATURE}\n# a cache`,
  'cache/in/it': 'x',
  'cache/CACHEDIR.TAG.old': 'x',
  'cache-without-end/CACHEDIR.TAG': SIGNATURE,
  'cache-without-end/x': 'x',
  'no-cache/CACHEDIR.TAG': `signature: ${SIGNATURE}`,
  'no-cache/kept': 'x',
  'short/CACHEDIR.TAG': 'Signature: 8a47',
  'short/kept': 'x',
  'deep/er/.nobackup': '',
  'deep/er/left/x': 'x',
  'deep/er/left/data/large': 'x'.repeat(2000),
  'deep/er/left/data/cache/CACHEDIR.TAG': SIGNATURE,
  'deep/er/left/data/cache/x': 'x',
  'deep/er/zzz': 'x',
  'deep/kept': 'x',
  'deep/er-not/x': 'x',
  'odd/[x]*': '',
  'odd/left': 'x',
  'new\nline/.nobackup': '',
  'new\nline/left': 'x',
};

describe('what is left out', needing(NO_RESTIC), () => {
  let folder: TemporaryFolder;
  let files: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    files = join(folder.path, 'files');
    for (const [name, content] of Object.entries(FILES)) {
      await mkdir(dirname(join(files, name)), { recursive: true });
      await writeFile(join(files, name), content);
    }
    await mkdir(join(files, 'linked'));
    await symlink('../cache/CACHEDIR.TAG', join(files, 'linked', 'CACHEDIR.TAG'));
    await writeFile(join(files, 'linked', 'x'), 'x');
    await mkdir(join(files, 'folder', '.nobackup'), { recursive: true });
    await writeFile(join(files, 'folder', 'left'), 'x');
    await mkdir(join(folder.path, 'work'));
  });
  afterAll(() => folder?.[Symbol.asyncDispose]());

  const NOTHING: LeaveOut = { caches: false, ifPresent: [], largerThanBytes: undefined, otherFileSystems: false };
  const order = (repository: string, leaveOut: Partial<LeaveOut>) => ({
    ...{ repository, workFolder: join(folder.path, 'work'), paths: [files], leaveOut: { ...NOTHING, ...leaveOut } },
  });
  const listed = async (repository: string): Promise<readonly string[]> => {
    const lines = (await resticOk(repository, 'ls', '--json', 'latest')).trim().split('\n').slice(1);
    return lines
      .map((line) => (JSON.parse(line) as { path: string }).path)
      .filter((path) => path.startsWith(`${files}/`))
      .map((path) => path.slice(files.length + 1))
      .sort();
  };

  test.for([
    ['caches', { caches: true }, ['--exclude-caches']],
    ['folders that hold a name', { ifPresent: ['.nobackup'] }, ['--exclude-if-present', '.nobackup']],
    [
      'folders that hold one of several names, which are no patterns',
      { ifPresent: ['[x]*', '.nobackup'], caches: true },
      ['--exclude-if-present', '[x]*', '--exclude-if-present', '.nobackup', '--exclude-caches'],
    ],
    ['large files', { largerThanBytes: 1024 }, ['--exclude-larger-than', '1K']],
  ] as const)('%s, as restic does', async ([name, leaveOut, options]) => {
    const [ours, theirs] = ['ours', 'theirs'].map((who) => join(folder.path, `${who} ${name}`)) as [string, string];
    await makeRepository(ours);
    await makeRepository(theirs);
    const saved = await backUpHere(order(ours, leaveOut));
    expect(said(saved.error)).toBe('');
    await resticOk(theirs, 'backup', ...options, files);
    const kept = await listed(ours);
    // The definition says that a link is no tag; restic follows it. What is left out without a right is lost.
    const linked = 'caches' in leaveOut ? ['linked/x'] : [];
    expect(kept).toEqual([...(await listed(theirs)), ...linked].sort());
    expect(kept.length).toBeLessThan(
      (await execa('find', [files, '-mindepth', '1', '-print0'])).stdout.split('\0').length - 1,
    );
  });

  test('a path that is marked itself is refused: nothing of it would be saved', async () => {
    const repository = join(folder.path, 'marked');
    await makeRepository(repository);
    const path = join(files, 'deep', 'er');
    const { error } = await backUpHere({ ...order(repository, { ifPresent: ['.nobackup'] }), paths: [path] });
    expect(said(error)).toContain(`"${path}" on "here" is a path of the source, and ".nobackup" in it says`);
  });

  /** Something that has its files there, and is held still. */
  const holding = (path: string): Registry => createRegistry([], [keeperOf(path)]);

  test('but nothing of what is held still, whose copy would lack it', async () => {
    const repository = join(folder.path, 'held');
    await makeRepository(repository);
    const rules = { caches: true, ifPresent: ['.nobackup'], largerThanBytes: 1024 };
    const registry = holding(join(files, 'deep/er/left/data'));
    const saved = await backUpHere({ ...order(repository, rules), registry });
    expect(said(saved.error)).toBe('');
    const kept = await listed(repository);
    expect(kept.filter((path) => path.startsWith('deep/er/'))).toEqual([
      ...['deep/er/.nobackup', 'deep/er/left', 'deep/er/left/data', 'deep/er/left/data/cache'],
      ...['deep/er/left/data/cache/CACHEDIR.TAG', 'deep/er/left/data/cache/x', 'deep/er/left/data/large'],
    ]);
    expect(kept).not.toContain('large');
    expect(kept).not.toContain('cache/in');
  });

  test('other file systems, each with a note; not those that the source names', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root, to mount something');
    const repository = join(folder.path, 'mounts');
    await makeRepository(repository);
    const [place, named] = [join(files, 'mounted'), join(files, 'named')];
    const image = join(folder.path, 'image');
    await execa('truncate', ['-s', '8M', image]);
    await execa('mkfs.ext2', ['-q', image]);
    for (const at of [place, named]) await mkdir(at);
    const mount = await execa('mount', ['-o', 'loop', image, place], { reject: false });
    skip(mount.exitCode !== 0, 'this machine mounts no loop devices');
    try {
      await execa('mount', ['--bind', place, named]);
      await writeFile(join(place, 'there'), 'x');
      const plan = await planHere(order(repository, { otherFileSystems: true }));
      expect(plan.risks.join('\n')).toContain(`"${place}" (ext2) is another file system; what is in it is not saved.`);
      const heldThere = { ...order(repository, { otherFileSystems: true }), registry: holding(join(place, 'there')) };
      expect((await planHere(heldThere)).risks.join('\n')).not.toContain(`"${place}" (ext2)`);
      const saved = await backUpHere({ ...order(repository, { otherFileSystems: true }), paths: [files, named] });
      expect(said(saved.error)).toBe('');
      expect(warningsOf(saved.events).join('\n')).toContain(`"${place}" (ext2) is another file system`);
      const kept = await listed(repository);
      expect(kept).toContain('named/there');
      expect(kept).toContain('mounted');
      expect(kept).not.toContain('mounted/there');
    } finally {
      for (const at of [named, place]) await execa('umount', [at], { reject: false });
    }
  });
});
