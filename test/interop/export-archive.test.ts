/**
 * Archives as plain tools see them: GNU tar restores all that was there, zstd and sha256sum find them sound, and whatever
 * ends a run before its time leaves nothing that has their name.
 */
import { chmod, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cancelled } from '../../shared/base/cancel.ts';
import { describeTree } from '../support/describe-tree.ts';
import { type Exported, type ExportOrder, exportHere } from '../support/exporting.ts';
import { said } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { makeTortureTree } from '../support/torture-tree.ts';

/** A file with so many is told of in parts. */
const HOLES = 1100 * 1024 ** 2;

describe('an archive', () => {
  let folder: TemporaryFolder;
  let files: string;
  let out: string;
  let file: string;

  beforeEach(async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root, for owners, devices and attributes');
    folder = await temporaryFolder();
    await chmod(folder.path, 0o755);
    files = join(folder.path, 'files');
    out = join(folder.path, 'out');
    file = join(out, 'shop.tar.zst');
    await mkdir(files);
    await mkdir(out);
  });
  afterEach(() => folder?.[Symbol.asyncDispose]());

  const save = (order: Partial<ExportOrder> = {}): Promise<Exported> =>
    exportHere({
      ...{ to: { kind: 'archive', file }, workFolder: join(folder.path, 'work'), paths: [files] },
      ...order,
    });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2_500));
  const extracted = async (): Promise<string> => {
    const target = join(folder.path, 'extracted');
    await mkdir(target);
    const keeping = [
      '--same-permissions',
      '--same-owner',
      '--numeric-owner',
      '--acls',
      '--xattrs',
      '--xattrs-include=*',
    ];
    await execa('tar', ['--zstd', '--extract', `--file=${file}`, `--directory=${target}`, ...keeping]);
    return join(target, files.slice(1));
  };
  const manifest = async (): Promise<readonly Record<string, unknown>[]> =>
    (await readFile(`${file}.manifest.jsonl`, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('of everything nasty comes back by GNU tar as it was', { timeout: 240_000 }, async () => {
    await rm(files, { recursive: true });
    await makeTortureTree(files, { sparseBytes: HOLES });
    await settle();
    const { report, error } = await save();
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ kind: 'export', path: file, consistency: 'fuzzy', missingCount: 0 });
    expect(await readdir(out)).toEqual(['shop.tar.zst', 'shop.tar.zst.manifest.jsonl', 'shop.tar.zst.sha256']);
    await execa('zstd', ['-t', file]);
    await execa('sha256sum', ['-c', 'shop.tar.zst.sha256'], { cwd: out });
    const expected = new Map(await describeTree(files, { withHoles: true }));
    // No tar holds a socket; each was named.
    const sockets = (report?.skipped ?? []).map(({ path }) => path);
    for (const [path, facts] of expected) {
      if (facts['type'] !== 's') continue;
      expected.delete(path);
      expect(sockets).toContain(join(files, Buffer.from(path, 'latin1').toString()));
    }
    expect(new Map(await describeTree(await extracted(), { withHoles: true }))).toEqual(expected);
  });

  test('has a manifest of what was read and proved, with sums that sha256sum finds in what is extracted', async () => {
    await writeFile(join(files, 'a'), 'content\n');
    await writeFile(join(files, 'new\nline'), 'more\n');
    await writeFile(join(files, Buffer.from('bad\xff', 'latin1').toString('latin1')), '');
    await link(join(files, 'a'), join(files, 'b'));
    await settle();
    const { report, error } = await save();
    expect(said(error)).toBe('');
    const [head, ...lines] = await manifest();
    expect(head).toMatchObject({
      ...{ format: 'stillpoint manifest', version: 1, hostname: 'here', paths: [files] },
      extra: { stillpoint: { consistency: 'fuzzy', evidence: { live: [{ path: files, tornCount: 0 }] } } },
    });
    expect(lines.at(-1)).toMatchObject({ files: 3, bytes: 13 });
    expect(report?.proved).toEqual({ files: 3, bytes: 13 });
    await extracted();
    const sums = lines.flatMap(({ path, sha256 }) => (sha256 === undefined ? [] : [[sha256, path]]));
    expect(sums).toHaveLength(3);
    for (const [sum, path] of sums) {
      const { stdout } = await execa('sha256sum', ['-z', join(folder.path, 'extracted', path as string)]);
      expect(stdout.slice(0, 64)).toBe(sum);
    }
    const { stdout } = await execa('tar', ['--zstd', '-tf', file]);
    expect(stdout.split('\n').filter((name) => name.endsWith('files/a') || name.endsWith('files/b'))).toHaveLength(2);
  });

  test('names what could not be read, and is partial', async () => {
    await writeFile(join(files, 'open'), 'for all');
    await writeFile(join(files, 'secret'), 'for root');
    await chmod(join(files, 'secret'), 0o600);
    await mkdir(join(files, 'closed'), { mode: 0o700 });
    const { report, error } = await save({ asNobody: true });
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ missingCount: 2 });
    expect((await readdir(await extracted())).sort()).toEqual(['closed', 'open']);
    expect((await manifest())[0]).toMatchObject({ tags: expect.arrayContaining(['partial']) as string[] });
  });

  test('holds each file once, as it came last, where files changed while they were read', async () => {
    await mkdir(join(files, 'deep'));
    const names = ['restless', 'deep/still', 'deep/gone'];
    for (const name of names) await writeFile(join(files, name), `${name}\n`.repeat(500_000));
    await link(join(files, 'restless'), join(files, 'deep/linked'));
    await settle();
    const before = (await stat(join(files, 'deep'), { bigint: true })).mtimeNs;
    let passes = 0;
    const { report, error } = await save({
      onEvent: (event) => {
        if (event.type !== 'progress' || passes > 0) return;
        passes += 1;
        void writeFile(join(files, 'restless'), 'at rest\n').then(() => rm(join(files, 'deep/gone')));
      },
    });
    expect(said(error)).toBe('');
    expect(report).toMatchObject({ missingCount: 0 });
    const { stdout } = await execa('tar', ['--zstd', '-tf', file]);
    const listed = stdout.split('\n').filter((name) => name !== '' && !name.endsWith('/'));
    expect(listed.map((name) => name.slice(files.length)).sort()).toEqual(['deep/linked', 'deep/still', 'restless']);
    const back = await extracted();
    expect(await describeTree(back)).toEqual(await describeTree(files));
    expect(before).not.toBe((await stat(join(back, 'deep'), { bigint: true })).mtimeNs);
    await execa('sha256sum', ['-c', 'shop.tar.zst.sha256'], { cwd: out });
  });

  test('is not written over another one unless that was asked for', async () => {
    await writeFile(join(files, 'a'), 'first');
    expect(said((await save()).error)).toBe('');
    const first = await readFile(file);
    const { error, words } = await save();
    expect(error).toMatchObject({ code: 'export.target' });
    expect(words).toBe('Nothing was written.');
    expect(await readFile(file)).toEqual(first);
    await writeFile(join(files, 'a'), 'second');
    expect(said((await save({ to: { kind: 'archive', file, overwrite: true } })).error)).toBe('');
    expect(await readFile(join(await extracted(), 'a'), 'utf8')).toBe('second');
  });

  test('is not written into a repository, which it would disturb', async () => {
    for (const name of ['data', 'index', 'keys', 'snapshots'])
      await mkdir(join(out, 'repo', name), { recursive: true });
    await writeFile(join(out, 'repo/config'), '');
    for (const place of ['repo', 'repo/data']) {
      const { error, words } = await save({ to: { kind: 'archive', file: join(out, place, 'x.tar.zst') } });
      expect(error).toMatchObject({
        code: 'export.target',
        message: expect.stringContaining(`it lies inside a repository ("${join(out, 'repo')}")`) as string,
      });
      expect(words).toBe('Nothing was written.');
    }
  });

  test.for(['archive', 'manifest'] as const)('leaves what came to its name meanwhile: %s', async (which) => {
    await writeFile(join(files, 'a'), 'mine');
    const other = which === 'archive' ? file : `${file}.manifest.jsonl`;
    const { error, words } = await save({
      onEvent: (event) => {
        if (event.type === 'phase-started' && event.phase === 'verify') void writeFile(other, 'somebody else');
      },
    });
    expect(error).toMatchObject({ code: 'export.target' });
    expect(words).toContain('look whether it is there');
    expect(await readdir(out)).toEqual([other.slice(out.length + 1)]);
    expect(await readFile(other, 'utf8')).toBe('somebody else');
  });

  test.for([
    ['no.zip', 'does not end with ".tar.zst"'],
    ['missing/a.tar.zst', 'its folder does not exist'],
    ['a\nb.tar.zst', 'no absolute path in one line'],
  ])('is refused the name %j before anything is done', async ([name, why]) => {
    const { error, events } = await save({ to: { kind: 'archive', file: join(out, name as string) } });
    expect(said(error)).toContain(why);
    expect(events.map(({ type }) => type)).not.toContain('target-changed');
    expect(await readdir(out)).toEqual([]);
  });

  test('that finds no room leaves nothing', async () => {
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', out]);
    try {
      await execa('sh', ['-c', 'head -c 12000000 /dev/urandom > "$1/large"', 'sh', files]);
      const { error, words } = await save();
      expect(said(error)).toContain('no room left');
      expect(words).toContain('what came before that was removed');
      expect(await readdir(out)).toEqual([]);
    } finally {
      await execa('umount', [out]);
    }
  });

  test.for(['list', 'read', 'verify', 'commit'] as const)('that is cancelled in "%s" leaves nothing', async (phase) => {
    await writeFile(join(files, 'a'), 'x'.repeat(1_000_000));
    const stop = new AbortController();
    const { error, words } = await save({
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'phase-started' && event.phase === phase) stop.abort(cancelled('The export was cancelled.'));
      },
    });
    // What the stream says when it is cut; the job says "cancelled" all the same.
    expect(error).toBeDefined();
    expect(words).toContain(phase === 'list' ? 'Nothing was written.' : 'was removed');
    expect(await readdir(out)).toEqual([]);
  });

  test('of sockets says that it has none', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(files, 'socket'), resolve));
    try {
      await symlink('socket', join(files, 'link'));
      const { report } = await save();
      expect(report).toMatchObject({ missingCount: 0, skipped: [{ path: join(files, 'socket') }] });
      expect(await readdir(await extracted())).toEqual(['link']);
    } finally {
      server.close();
    }
  });
});
