/**
 * Mirrors as plain tools see them: each state is a tree like the source, what has not changed is one file in all of them,
 * and no run that ends before its time takes anything from the states that were there.
 */
import { mkdirSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cancelled } from '../../shared/base/cancel.ts';
import { openHere } from '../support/backing-up.ts';
import { describeTree, type TreeDescription } from '../support/describe-tree.ts';
import { type Exported, type ExportOrder, exportHere } from '../support/exporting.ts';
import { said } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { makeTortureTree } from '../support/torture-tree.ts';

const NOBODY = 65534;

/** Files of a state are those of the states before and after it, too. */
const unlinked = (tree: TreeDescription) =>
  new Map([...tree].map(([path, facts]) => [path, { ...facts, linkedTo: '' }]));

/** A file with so many is told of in parts. */
const HOLES = 1100 * 1024 ** 2;

describe('a mirror', () => {
  let folder: TemporaryFolder;
  let files: string;
  let mirror: string;

  beforeEach(async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root, for owners, devices and attributes');
    folder = await temporaryFolder();
    await chmod(folder.path, 0o755);
    files = join(folder.path, 'files');
    mirror = join(folder.path, 'mirror');
    await mkdir(join(files, 'deep'), { recursive: true });
    for (const name of ['a', 'deep/b']) await writeFile(join(files, name), `${name}\n`.repeat(1000));
  });
  afterEach(() => folder?.[Symbol.asyncDispose]());

  const save = (order: Partial<ExportOrder> & { keep?: number } = {}): Promise<Exported> => {
    const { keep, ...rest } = order;
    const to = { kind: 'mirror', folder: mirror, ...(keep === undefined ? {} : { keep }) } as const;
    return exportHere({ to, workFolder: join(folder.path, 'work'), paths: [files], ...rest });
  };
  /** What was changed just before is read again. */
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2_500));
  const good = async (order: Parameters<typeof save>[0] = {}): Promise<NonNullable<Exported['report']>> => {
    const { report, error } = await save(order);
    expect(said(error)).toBe('');
    if (report === undefined) throw new Error('there is no report');
    return report;
  };
  const states = async (): Promise<string[]> =>
    (await readdir(mirror)).filter((name) => !name.startsWith('.') && name !== 'latest').sort();
  const latest = (): string => join(mirror, 'latest', files.slice(1));
  const leftovers = async (): Promise<string[]> =>
    (await readdir(mirror)).filter((name) => name.startsWith('.') && name !== '.stillpoint-mirror');

  test('of everything nasty is as its source, and so is the next one, almost without reading', {
    timeout: 240_000,
  }, async () => {
    await rm(files, { recursive: true });
    await makeTortureTree(files, { sparseBytes: HOLES });
    await settle();
    const expected = new Map(await describeTree(files, { withHoles: true }));
    for (const [path, facts] of expected) if (facts['type'] === 's') expected.delete(path);
    const first = await good();
    expect(first).toMatchObject({ kind: 'export', consistency: 'fuzzy', missingCount: 0, removed: [], notKept: [] });
    expect(new Map(await describeTree(latest(), { withHoles: true }))).toEqual(expected);
    const second = await good();
    // Some of it is dated in the future and never believed.
    expect(second.files - second.filesUnmodified).toBeLessThan(10);
    expect(second.bytesRead).toBeLessThan(1000);
    expect(unlinked(await describeTree(latest(), { withHoles: true }))).toEqual(unlinked(expected));
    expect(await states()).toHaveLength(2);
    expect(await leftovers()).toEqual([]);
  });

  test('shares what has not changed with the state before, and that stays as it was', async () => {
    await settle();
    const first = await good();
    await writeFile(join(files, 'a'), 'another\n');
    await chmod(join(files, 'deep/b'), 0o600);
    await writeFile(join(files, 'deep/c'), 'new\n');
    await settle();
    const second = await good();
    expect(second).toMatchObject({ files: 3, filesUnmodified: 0 });
    await settle();
    const third = await good();
    expect(third).toMatchObject({ files: 3, filesUnmodified: 3, bytesRead: 0, proved: { files: 0, bytes: 0 } });
    const at = (report: { path: string }, name: string) => join(report.path, files.slice(1), name);
    expect(await readFile(at(first, 'a'), 'utf8')).toBe('a\n'.repeat(1000));
    expect((await stat(at(first, 'deep/b'))).mode & 0o777).toBe(0o644);
    expect(await readFile(at(second, 'a'), 'utf8')).toBe('another\n');
    expect((await stat(at(second, 'a'))).ino).toBe((await stat(at(third, 'a'))).ino);
    expect((await stat(at(second, 'a'))).ino).not.toBe((await stat(at(first, 'a'))).ino);
    expect(await readlink(join(mirror, 'latest'))).toBe(third.path.slice(mirror.length + 1));
    expect(unlinked(await describeTree(latest()))).toEqual(unlinked(await describeTree(files)));
  });

  test('keeps as many states as it is told, and removes the others when the new one is there', async () => {
    const names: string[] = [];
    for (let run = 0; run < 3; run += 1) names.push((await good()).path.slice(mirror.length + 1));
    const report = await good({ keep: 2 });
    names.push(report.path.slice(mirror.length + 1));
    expect(report.removed).toEqual(names.slice(0, 2));
    expect(await states()).toEqual(names.slice(2));
    expect((await readdir(join(mirror, '.stillpoint-mirror'))).filter((name) => name.startsWith('20'))).toHaveLength(6);
  });

  test.for(['read', 'verify', 'commit'] as const)('that is cancelled in "%s" stays as it was', async (phase) => {
    const first = await good();
    const before = await describeTree(first.path);
    const stop = new AbortController();
    const { error, words } = await save({
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'phase-started' && event.phase === phase) stop.abort(cancelled('It'));
      },
    });
    expect(error).toBeDefined();
    expect(words).toContain('The states that the mirror had are as they were.');
    expect(await states()).toEqual([first.path.slice(mirror.length + 1)]);
    expect(await leftovers()).toEqual([]);
    expect(await describeTree(first.path)).toEqual(before);
  });

  test('has a name of its own for each state, also of those within one second', async () => {
    const startedMs = Date.now();
    const taken = new Set<string>();
    const report = await good({
      onEvent: (event) => {
        if (event.type !== 'phase-started' || event.phase !== 'commit') return;
        // As if another run had begun in each second since this one began.
        for (let ms = startedMs - 1000; ms <= Date.now(); ms += 1000)
          taken.add(`${new Date(ms).toISOString().slice(0, 19).replaceAll(':', '-')}Z`);
        for (const name of taken) mkdirSync(join(mirror, name));
      },
    });
    const own = report.path.slice(mirror.length + 1);
    expect(taken.size).toBeGreaterThan(1);
    expect([...taken].every((name) => name < own)).toBe(true);
    expect(await readlink(join(mirror, 'latest'))).toBe(own);
  });

  test('that finds no room stays as it was', async () => {
    await mkdir(mirror);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=0700', 'tmpfs', mirror]);
    try {
      const first = await good();
      await execa('sh', ['-c', 'head -c 8000000 /dev/urandom > "$1/large"', 'sh', files]);
      const { error, words } = await save();
      expect(said(error)).toContain('is full');
      expect(words).toContain('was removed');
      expect(await states()).toEqual([first.path.slice(mirror.length + 1)]);
      expect(await leftovers()).toEqual([]);
      await rm(join(files, 'large'));
      await good();
    } finally {
      await execa('umount', [mirror]);
    }
  });

  test('clears what a run that died has left, and nothing else', async () => {
    const first = await good();
    await mkdir(join(mirror, '.stillpoint-incomplete-00000000', 'files'), { recursive: true });
    await writeFile(join(mirror, 'note'), 'of somebody');
    await good();
    expect(await leftovers()).toEqual([]);
    expect(await states()).toEqual([first.path.slice(mirror.length + 1), expect.any(String) as string, 'note'].sort());
  });

  test('is not made in a folder that has something in it, and not of two sources', async () => {
    await mkdir(mirror);
    await writeFile(join(mirror, 'mine'), 'mine');
    const { error, words } = await save();
    expect(said(error)).toContain('is not empty and is no mirror of ours');
    expect(words).toBe('Nothing was written.');
    expect(await readdir(mirror)).toEqual(['mine']);
    await rm(join(mirror, 'mine'));
    await chmod(mirror, 0o777);
    expect(said((await save()).error)).toContain('can change the folder');
    await chmod(mirror, 0o700);
    await good();
    await writeFile(join(mirror, '.stillpoint-mirror', 'source'), 'the source "other" of "there"\n');
    expect(said((await save()).error)).toContain('is a mirror of something else: the source "other" of "there"');
  });

  test('is not made in what its own source saves, by whatever way it leads there', async () => {
    await symlink(files, join(folder.path, 'way'));
    for (const [place, named] of [
      [join(files, 'mirror'), join(files, 'mirror')],
      [files, files],
      [join(folder.path, 'way', 'new', 'mirror'), join(files, 'new', 'mirror')],
    ] as const) {
      const { error, words } = await save({ to: { kind: 'mirror', folder: place } });
      expect(said(error)).toContain(`lies in what the source "files" saves ("${files}" of "here")`);
      expect((error as { advice?: string }).advice).toContain(`write "${named}" under "exclude"`);
      expect(words).toBe('Nothing was written.');
    }
    const archive = await save({ to: { kind: 'archive', file: join(files, 'deep', 'all.tar.zst') } });
    expect(said(archive.error)).toContain('lies in what the source');
    expect((await readdir(files)).sort()).toEqual(['a', 'deep']);
    const outside = join(files, 'mirror');
    const { report, error } = await save({ to: { kind: 'mirror', folder: outside }, exclude: [outside] });
    expect(said(error)).toBe('');
    expect(await readdir(join(report?.path ?? '', files.slice(1)))).toEqual(['a', 'deep']);
  });

  test('does not believe a state that somebody changed, and says so', async () => {
    await settle();
    const first = await good();
    const changed = join(first.path, files.slice(1), 'a');
    const { mtime } = await stat(changed);
    await appendFile(changed, 'more');
    await utimes(changed, mtime, mtime);
    const { report, error, events } = await save();
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ filesUnmodified: 0, files: 2 });
    expect(JSON.stringify(events)).toContain('is not as it was made');
    expect(await describeTree(latest())).toEqual(await describeTree(files));
  });

  test('does not count where a file was exchanged before it was read back', async () => {
    let hasDone = false;
    const { error, words } = await save({
      openKeeper: async (_, signal) => {
        const host = await openHere({})(signal);
        return {
          name: host.name,
          run: (command, running) => host.run(command, running),
          async stream(command, input, running) {
            if (command.name === 'sum-mirrored-files' && !hasDone) {
              hasDone = true;
              const [work = ''] = (await readdir(mirror)).filter((name) => name.startsWith('.stillpoint-incomplete'));
              const victim = join(mirror, work, 'files', files.slice(1), 'a');
              const { mtime, size } = await stat(victim);
              await writeFile(victim, 'x'.repeat(size));
              await utimes(victim, mtime, mtime);
            }
            return host.stream(command, input, running);
          },
          [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
        };
      },
    });
    expect(error).toMatchObject({ code: 'export.unproved' });
    expect(words).toContain('was removed');
    expect(await states()).toEqual([]);
  });

  test('of an ordinary user keeps no owners and says so, of links and all else it is the same', async () => {
    await symlink('/etc/passwd', join(files, 'link'));
    await chown(join(files, 'a'), 0, 0);
    await settle();
    await mkdir(mirror, { mode: 0o700 });
    await chown(mirror, NOBODY, NOBODY);
    const openKeeper: ExportOrder['openKeeper'] = (_, signal) => openHere({ asNobody: true })(signal);
    const report = await good({ openKeeper });
    expect(report.notKept).toEqual([
      expect.objectContaining({ what: 'owner or group (only root can give files to others)' }) as object,
    ]);
    expect((await lstat(join(latest(), 'a'))).uid).toBe(NOBODY);
    expect(await readlink(join(latest(), 'link'))).toBe('/etc/passwd');
    expect(await good({ openKeeper })).toMatchObject({ bytesRead: 0 });
  });

  test('holds what stands where files changed while they were read', async () => {
    for (const name of ['restless', 'deep/gone']) await writeFile(join(files, name), `${name}\n`.repeat(500_000));
    await settle();
    let hasChanged = false;
    const report = await good({
      onEvent: (event) => {
        if (event.type !== 'progress' || hasChanged) return;
        hasChanged = true;
        void writeFile(join(files, 'restless'), 'at rest\n').then(() =>
          rename(join(files, 'deep/gone'), join(files, 'come')),
        );
      },
    });
    expect(report.missingCount).toBe(0);
    expect(await describeTree(latest())).toEqual(await describeTree(files));
    expect(await leftovers()).toEqual([]);
  });

  test('can be taken back by cp', async () => {
    await good();
    await cp(latest(), join(folder.path, 'back'), { recursive: true, preserveTimestamps: true });
    expect(await readFile(join(folder.path, 'back', 'a'), 'utf8')).toBe('a\n'.repeat(1000));
  });
});
