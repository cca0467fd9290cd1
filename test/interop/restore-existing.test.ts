/** Restoring into a folder with other things in it: what the plan says is what is done, and nothing else changes. */
import { chmodSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toErrorRecord } from '../../shared/base/errors.ts';
import { identifyProcess } from '../../shared/base/process-identity.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { type ForgedNode, forgeRepository } from '../support/forged-repository.ts';
import { mountFilesystem } from '../support/loop-filesystem.ts';
import { type RestoreOptions, restoreFrom, said } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const LONG = 'n'.repeat(255);
const file = (name: string, content = `new ${name}`): ForgedNode => ({ name, type: 'file', content: [content] });
const dir = (name: string, ...children: readonly ForgedNode[]): ForgedNode => ({ name, type: 'dir', children });
/** Of every entry of the repository. */
const WHEN = new Date('2023-11-14T22:13:20.123Z');
const [BEFORE, AFTER] = [new Date('2023-11-14T22:13:19Z'), new Date('2023-11-14T22:13:21Z')];

let folder: TemporaryFolder;
let repository: string;
let target: string;

beforeEach(async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'needs root for mounts and other owners');
  folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  repository = join(folder.path, 'repository');
  target = join(folder.path, 'target');
  await forgeRepository(repository, [
    dir('a', dir('b', file('kept'), file('older'), file('newer'), file('missing')), file(LONG), file('\\xff')),
    dir('new', dir('deep', file('one'), file('two'))),
    file('top'),
    { name: 'link', type: 'symlink', linktarget: 'top' },
  ]);
  await mkdir(join(target, 'a', 'b'), { recursive: true });
  for (const [path, time] of [
    ['a/b/older', BEFORE],
    ['a/b/newer', AFTER],
    [`a/${LONG}`, BEFORE],
    ['mine', AFTER],
    ['a/b/mine', BEFORE],
  ] as const) {
    await writeFile(join(target, path), `old ${path}`);
    await utimes(join(target, path), time, time);
  }
  await chmod(join(target, 'a', 'b'), 0o711);
});

afterEach(async () => {
  await folder?.[Symbol.asyncDispose]();
});

const restored = (options: RestoreOptions) => restoreFrom(repository, target, options);
const at = (path: string): Promise<string> => readFile(join(target, path), 'utf8');

/** Everything of it that a restore could change, times of changes included. */
async function state(path = target): Promise<string> {
  const facts = await execa('find', [path, '-printf', '%p %y %m %U %G %s %n %l %i %T@ %C@\\n']);
  const content = await execa('sh', ['-c', 'find "$1" -type f -exec sha256sum {} +', 'sh', path]);
  return `${facts.stdout.split('\n').sort().join('\n')}\n${content.stdout.split('\n').sort().join('\n')}`;
}

const whenMoving = (act: () => void) => (event: RunEventBody) => {
  if (event.type === 'target-changed' && event.state === 'moving') act();
};

describe('what is there', () => {
  test('never: only what is missing comes', async () => {
    const { report, error } = await restored({ overwrite: 'never' });
    expect(said(error)).toBe('');
    expect(report).toMatchObject({
      ...{ files: 6, folders: 2, others: 1, leftOut: { count: 0 } },
      plan: { added: { files: 6, folders: 2, others: 1 }, overwritten: { count: 0 }, leftAlone: { count: 3 } },
    });
    expect(report?.plan?.leftAlone.named[0]).toEqual({ path: 'a/b/newer', reason: 'it is there' });
    expect(await at('a/b/older')).toBe('old a/b/older');
    expect(await at('a/b/missing')).toBe('new missing');
    expect(await at('new/deep/two')).toBe('new two');
    expect(await readdir(join(target, 'a'), 'latin1')).toEqual(['b', LONG, '\xff'].sort());
    expect(await readdir(target)).toEqual(['a', 'link', 'mine', 'new', 'top']);
  });

  test('older: what is there goes where it was modified before', async () => {
    const { report } = await restored({ overwrite: 'older' });
    expect(report?.plan).toMatchObject({
      overwritten: { count: 2, named: ['a/b/older', `a/${LONG}`] },
      leftAlone: { count: 1, named: [{ path: 'a/b/newer', reason: 'what is there is not older' }] },
    });
    expect(await at('a/b/older')).toBe('new older');
    expect(await at('a/b/newer')).toBe('old a/b/newer');
    expect(await at(`a/${LONG}`)).toBe(`new ${LONG}`);
    const again = await restored({ overwrite: 'older' });
    expect(again.report).toMatchObject({ files: 0, folders: 0, plan: { overwritten: { count: 0 } } });
  });

  test('always: all of it, and what the restore point does not have stays with the folders as they are', async () => {
    const mine = await lstat(join(target, 'a/b/mine'), { bigint: true });
    const { report } = await restored({ overwrite: 'always' });
    expect(report).toMatchObject({ files: 9, plan: { overwritten: { count: 3 }, leftAlone: { count: 0 } } });
    expect(await at('a/b/newer')).toBe('new newer');
    expect((await lstat(join(target, 'a/b/newer'))).mtime).toEqual(WHEN);
    expect((await lstat(join(target, 'a/b'))).mode & 0o777).toBe(0o711);
    expect(await lstat(join(target, 'a/b/mine'), { bigint: true })).toMatchObject({
      ino: mine.ino,
      ctimeNs: mine.ctimeNs,
    });
  });

  test('without a word on it the folder is refused, and the refusal says how', async () => {
    const before = await state();
    const { error } = await restored({});
    expect(said(error)).toContain('is not empty');
    expect(toErrorRecord(error).advice).toContain('--overwrite');
    expect(await state()).toBe(before);
  });

  test('patterns and stripped folders go with it', async () => {
    await writeFile(join(target, 'kept'), 'old');
    const options = { paths: ['/a/b'], strip: 2, exclude: ['newer'], overwrite: 'always' } as const;
    const { report } = await restored(options);
    expect(report?.plan).toMatchObject({ added: { files: 2 }, overwritten: { count: 1, named: ['kept'] } });
    expect(await at('kept')).toBe('new kept');
    expect(await readdir(target)).toEqual(['a', 'kept', 'mine', 'missing', 'older']);
  });

  test('a link to a file is replaced, not followed', async () => {
    await writeFile(join(folder.path, 'outside'), 'as it was');
    await symlink(join(folder.path, 'outside'), join(target, 'top'));
    expect((await restored({ overwrite: 'always' })).report?.leftOut.count).toBe(0);
    expect(await at('top')).toBe('new top');
    expect(await readFile(join(folder.path, 'outside'), 'utf8')).toBe('as it was');
  });
});

describe('a dry run', () => {
  test('says the same as the restore and leaves no trace', async () => {
    const before = await state();
    const { report } = await restored({ overwrite: 'older', dryRun: true });
    expect(await state()).toBe(before);
    expect(report).toMatchObject({ isPlan: true, files: 0, bytes: 0 });
    const { report: done } = await restored({ overwrite: 'older' });
    const { room, ...rest } = report?.plan ?? {};
    expect(done?.plan).toMatchObject(rest);
    expect(room).toBeGreaterThan(0);
  });

  test('makes no folder, and refuses what the restore would refuse', async () => {
    const { report } = await restoreFrom(repository, join(folder.path, 'x', 'y'), { dryRun: true });
    expect(report?.plan?.added).toEqual({ files: 9, folders: 4, others: 1 });
    expect(await readdir(folder.path)).toEqual(['repository', 'target']);
    expect(said((await restored({ dryRun: true })).error)).toContain('is not empty');
    const inside = await restoreFrom(repository, join(repository, 'data', 'x'), { dryRun: true });
    expect(said(inside.error)).toContain('lies inside a repository');
  });
});

describe('what is in the way', () => {
  test.each<[string, () => Promise<void>, string]>([
    [
      'a file where a folder goes',
      () => writeFile(join(target, 'new'), 'x'),
      '"new" (it is a folder, and something else',
    ],
    ['a folder where a file goes', () => mkdir(join(target, 'top')), '"top" (a folder is there)'],
    [
      'a link where a folder goes',
      () => symlink(folder.path, join(target, 'new')),
      '"new" (it is a folder, and a symbolic',
    ],
  ])('%s is refused, never deleted', async (_, make, message) => {
    await make();
    const before = await state();
    const dry = await restored({ overwrite: 'always', dryRun: true });
    expect(dry.report?.plan?.inTheWay.count).toBe(1);
    const { error } = await restored({ overwrite: 'always' });
    expect(said(error)).toContain(message);
    // The work folder was made in it and is gone.
    const mended = (text: string) => text.replace(/^\S*\/target d .*$/m, '');
    expect(mended(await state())).toBe(mended(before));
  });

  test('another file system on the way, and a repository', async () => {
    await using _ = await mountFilesystem('tmpfs', join(target, 'a'), 1024 ** 2);
    const [mounted = ''] = (await readdir(join(target, 'a'))).filter((name) => name !== 'b' && name !== LONG);
    await forgeRepository(join(folder.path, 'other'), [dir('a', dir(mounted, file('x'))), dir('repository')]);
    const into = await restoreFrom(join(folder.path, 'other'), target, { overwrite: 'always', paths: ['/a'] });
    expect(said(into.error)).toContain('another file system is mounted there');
    expect(into.error).toMatchObject({ advice: expect.stringContaining('restore each of them by itself') as string });
    const beside = await restoreFrom(join(folder.path, 'other'), folder.path, {
      overwrite: 'always',
      paths: ['/repository'],
    });
    expect(said(beside.error)).toContain('"repository" (a repository is there)');
  });
});

describe('what happens meanwhile', () => {
  test('what changed since the plan was made is left alone and told', async () => {
    const onEvent = whenMoving(() => {
      writeFileSync(join(target, 'a/b/older'), 'of somebody else');
      writeFileSync(join(target, 'top'), 'appeared');
      renameSync(join(target, 'a'), join(target, 'a2'));
      execaSync('cp', ['-a', join(target, 'a2'), join(target, 'a')]);
    });
    const { report } = await restored({ overwrite: 'always', onEvent });
    expect(report?.leftOut.named).toContainEqual({
      path: 'top',
      reason: 'something appeared there since the plan was made',
    });
    expect(report?.leftOut.named).toContainEqual({
      path: 'a/b/older',
      reason: 'what is there changed since the plan was made',
    });
    expect(await at('top')).toBe('appeared');
    expect(await at('a/b/older')).toBe('of somebody else');
    expect(await at('a/b/missing')).toBe('new missing');
    expect(await readdir(target)).toEqual(['a', 'a2', 'link', 'mine', 'new', 'top']);
    expect(report?.files).toBe(9 - (report?.leftOut.count ?? 0));
    // All of "a" is another one by now.
    expect(report?.plan?.overwritten).toEqual({ count: 0, named: [] });
  });

  test('a file with two names counts once, also where both stay as they are', async () => {
    const same = { inode: 7, device_id: 1, links: 2 };
    const names = ['older', 'newer'].map((name) => ({ ...file(name, 'of two names'), ...same }));
    const both = join(folder.path, 'both');
    await forgeRepository(both, [dir('a', dir('b', ...names))]);
    const plan = (await restoreFrom(both, target, { overwrite: 'always', dryRun: true })).report?.plan;
    expect(plan).toMatchObject({ overwritten: { count: 2 }, bytes: 'of two names'.length });
    const onEvent = whenMoving(() => {
      for (const name of ['older', 'newer']) writeFileSync(join(target, 'a/b', name), 'of somebody else');
    });
    const { report } = await restoreFrom(both, target, { overwrite: 'always', onEvent });
    expect(report).toMatchObject({ files: 0, bytes: 0, leftOut: { count: 2 } });
  });

  test('a folder that was exchanged for a link leads nowhere', async () => {
    const outside = join(folder.path, 'outside');
    await mkdir(join(outside, 'b'), { recursive: true });
    const before = await state(outside);
    const onEvent = whenMoving(() => {
      renameSync(join(target, 'a'), join(target, 'moved'));
      symlinkSync(outside, join(target, 'a'));
    });
    const { report } = await restored({ overwrite: 'always', onEvent });
    expect(report?.leftOut.named).toContainEqual({
      path: 'a/b/missing',
      reason: 'its folder is no longer there, or closed to this user',
    });
    expect(await state(outside)).toBe(before);
    expect(await at('top')).toBe('new top');
  });

  test('a target that vanishes is an error, and what took its place is not touched', async () => {
    const onEvent = whenMoving(() => {
      renameSync(target, join(folder.path, 'gone'));
      execaSync('mkdir', [target]);
    });
    const { error } = await restored({ overwrite: 'always', onEvent });
    expect(said(error)).toContain('is no longer the one in which the restore began');
    expect(await readdir(target)).toEqual([]);
  });

  test('a target that becomes read-only keeps its files, and each that was not written is told', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 4 * 1024 ** 2);
    await writeFile(join(mounted.path, 'top'), 'old');
    const onEvent = whenMoving(() => execaSync('mount', ['-o', 'remount,ro', mounted.path]));
    const { report, error, events } = await restoreFrom(repository, mounted.path, { overwrite: 'always', onEvent });
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ files: 0, folders: 0 });
    expect(report?.leftOut.named).toContainEqual({ path: 'top', reason: 'Read-only file system' });
    expect(events.map(({ type }) => type)).toContain('cleanup-failed');
    expect(await readFile(join(mounted.path, 'top'), 'utf8')).toBe('old');
    const again = await restoreFrom(repository, mounted.path, { overwrite: 'always' });
    expect(said(again.error)).toMatch(/cannot be written to \(read-only file system\)/i);
    await execa('mount', ['-o', 'remount,rw', mounted.path]);
  });

  test('a target that is full keeps its files, whether the plan sees it or not', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 4 * 1024 ** 2);
    await forgeRepository(join(folder.path, 'large'), [file('large', 'x'.repeat(3 * 1024 ** 2)), file('top')]);
    const large = (options: RestoreOptions) => restoreFrom(join(folder.path, 'large'), mounted.path, options);
    await writeFile(join(mounted.path, 'top'), 'old');
    const fill = (mib: number) => writeFileSync(join(mounted.path, 'filler'), Buffer.alloc(mib * 1024 ** 2));
    fill(2);
    const dry = await large({ overwrite: 'always', dryRun: true });
    expect(dry.report?.plan?.room).toBeLessThan(dry.report?.plan?.bytes ?? 0);
    expect(said((await large({ overwrite: 'always' })).error)).toContain('has too little room');
    fill(0);
    const late = await large({
      overwrite: 'always',
      onEvent: (event) => {
        if (event.type === 'target-changed' && event.state === 'filling') fill(2);
      },
    });
    expect(said(late.error)).toContain('is full');
    expect(late.events).toContainEqual(expect.objectContaining({ type: 'target-changed', state: 'dropped' }));
    expect(await readFile(join(mounted.path, 'top'), 'utf8')).toBe('old');
    expect(await readdir(mounted.path)).toEqual(['filler', 'top']);
  });
});

describe('an ordinary user', () => {
  test('gets his own files replaced, is told what is not kept, and what he may not write', async () => {
    await execa('chown', ['-R', '65534:65534', target]);
    await chown(join(target, 'a', 'b'), 0, 0);
    chmodSync(join(target, 'a', 'b'), 0o755);
    const { report, error } = await restored({ overwrite: 'always', asNobody: true });
    expect(said(error)).toBe('');
    expect(report?.notKept.map(({ what }) => what)).toEqual(['owner or group (only root can give files to others)']);
    expect(report?.leftOut.named).toContainEqual({ path: 'a/b/missing', reason: 'Permission denied' });
    expect(await at('a/b/older')).toBe('old a/b/older');
    expect(await at(`a/${LONG}`)).toBe(`new ${LONG}`);
    expect(await readdir(target)).toEqual(['a', 'link', 'mine', 'new', 'top']);
  });
});

describe('what an earlier restore left', () => {
  const markOf = async (start?: string): Promise<string> => {
    const one = await identifyProcess();
    if (one === undefined) throw new Error('this process cannot be told from others');
    return [one.pid, start ?? one.start, one.hostname, one.machine, one.boot, one.namespace].join('\t');
  };
  const leave = async (mark: string | undefined, name = '.stillpoint-restore-0123456789ab') => {
    await mkdir(join(target, name, 'tree'), { recursive: true, mode: 0o700 });
    await writeFile(join(target, name, 'tree', 'old'), 'left');
    if (mark !== undefined) await writeFile(join(target, name, 'mark'), `${mark}\n`);
  };

  test('is removed where its process is gone', async () => {
    await leave(await markOf('1'));
    expect(said((await restored({ overwrite: 'never' })).error)).toBe('');
    expect(await readdir(target)).toEqual(['a', 'link', 'mine', 'new', 'top']);
  });

  test('is left alone where that is not proved', async () => {
    for (const mark of [await markOf(), 'unknown', undefined]) {
      await leave(mark);
      const before = await state(join(target, '.stillpoint-restore-0123456789ab'));
      expect(said((await restored({ overwrite: 'never' })).error)).toContain('holds what an interrupted restore left');
      expect(await state(join(target, '.stillpoint-restore-0123456789ab'))).toBe(before);
      await execa('rm', ['-r', join(target, '.stillpoint-restore-0123456789ab')]);
    }
    expect(await readdir(target)).toEqual(['a', 'mine']);
  });
});
