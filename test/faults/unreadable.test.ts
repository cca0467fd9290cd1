/**
 * Files, inodes and folders that the kernel refuses to read, on a real file system: everything else is saved, each of
 * them is named with the kernel's reason, and nothing that did not come is in a restore point as zeros.
 */
import { link, mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import type { Node } from '../../shared/repository/node.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { type Damage, mountDamagedExt4 } from '../lab/damaged-ext4.ts';
import { type LiveReaderFigures, readLiveFolder } from '../support/live-reader.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';
import { walkTree } from '../support/walk-tree.ts';

const KIB = 1024;
/** Never zero, so that whatever is filled up shows. */
const pattern = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, (_, at) => 1 + (at % 251)));

interface Place {
  readonly folder: TemporaryFolder;
  readonly repository: string;
}

async function makePlace(): Promise<Place & AsyncDisposable> {
  const folder = await temporaryFolder();
  const repository = join(folder.path, 'repository');
  await (await createTestRepository(createLocalBackend(repository))).close();
  return { folder, repository, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function backUp(place: Place, dir: string, exclude: readonly string[] = []): Promise<LiveReaderFigures> {
  const workFolder = join(place.folder.path, `work-${Math.random()}`);
  await mkdir(workFolder);
  return await readLiveFolder({
    sshConfigFile: undefined,
    dir,
    repository: place.repository,
    password: PASSWORD,
    workFolder,
    exclude,
  });
}

/** What the restore point holds below `dir`: the node, and for a file its content. */
async function saved(
  place: Place,
  id: string,
  dir: string,
): Promise<Map<string, { readonly node: Node; readonly content: Buffer }>> {
  const found = new Map<string, { node: Node; content: Buffer }>();
  await using repository = await openRepository(createLocalBackend(place.repository), PASSWORD, never);
  await repository.loadIndex(never);
  const point = (await repository.listRestorePoints(never)).points.find((each) => each.id === id);
  if (point === undefined) throw new Error('there is no restore point');
  for await (const { path, node } of walkTree(repository, point.tree, never)) {
    const whole = `/${path.join('/')}`;
    if (!whole.startsWith(`${dir}/`)) continue;
    const blobs = await Promise.all((node.content ?? []).map((blob) => repository.loadBlob('data', blob, never)));
    found.set(whole.slice(dir.length + 1), { node, content: Buffer.concat(blobs) });
  }
  return found;
}

const skipped = ({ report }: LiveReaderFigures, dir: string): Record<string, string> =>
  Object.fromEntries(report.skipped.map(({ path, reason }) => [path.slice(dir.length + 1), reason]));

/** As it is shown. */
const LOST = String.raw`sub/lost: a\nname` + '\\';
const NEEDS_ROOT = 'loop devices and the private namespace of a run need root';

describe('what cannot be read', () => {
  const fill = async (path: string): Promise<void> => {
    for (const name of ['sub', 'gone', 'dir']) await mkdir(join(path, name));
    await writeFile(join(path, 'bad'), pattern(100 * KIB));
    await link(join(path, 'bad'), join(path, 'sub/also-bad'));
    await writeFile(join(path, 'good'), pattern(5 * KIB));
    await writeFile(join(path, 'sub/lost: a\nname\\'), 'lost');
    await writeFile(join(path, 'sub/zz'), 'after the lost one');
    for (let at = 0; at < 20; at += 1) await writeFile(join(path, 'dir', `file-${at}`), `${at}`);
    // Holes on both sides of what it holds, and behind the place that will be damaged.
    await using sparse = await open(join(path, 'sparse'), 'w');
    await sparse.write(pattern(3000), 0, 3000, 300 * KIB);
    await truncate(join(path, 'sparse'), 1024 * KIB);
    await sparse.write(pattern(3000), 0, 3000, 52 * KIB);
    await writeFile(join(path, 'zz'), pattern(200 * KIB));
  };
  const damage: Damage = { blocks: ['bad', 'sparse'], inodes: ['sub/lost: a\nname\\'], folders: ['dir'] };

  test('is left out by name, with the kernel’s reason, and all else is saved', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip(NEEDS_ROOT);
    await using disk = await mountDamagedExt4(fill, damage, never);
    await expect(execa('cat', [join(disk.path, 'bad')]), 'the damage is real').rejects.toThrow('Input/output error');
    await using place = await makePlace();
    // What changed within two seconds of the instant is read again the next time.
    await wait(2100);
    const first = await backUp(place, disk.path);
    const reasons = skipped(first, disk.path);
    expect(Object.keys(reasons).toSorted()).toEqual(['bad', 'dir', 'sparse', 'sub/also-bad', LOST]);
    expect(reasons['bad']).toBe('not saved, because it cannot be read: Input/output error');
    expect(reasons['sparse']).toBe('not saved, because it cannot be read: Input/output error');
    expect(reasons['dir']).toContain('cannot be listed: Bad message');
    expect(reasons[LOST]).toContain('cannot be listed: Structure needs cleaning');

    const nodes = await saved(place, first.restorePoint, disk.path);
    expect([...nodes.keys()].toSorted()).toEqual(['dir', 'gone', 'good', 'lost+found', 'sub', 'sub/zz', 'zz']);
    expect(nodes.get('good')?.content).toEqual(pattern(5 * KIB));
    expect(nodes.get('zz')?.content).toEqual(pattern(200 * KIB));
    expect(nodes.get('sub/zz')?.content.toString()).toBe('after the lost one');
    expect(first.report.files).toEqual({ new: 3, changed: 0, unmodified: 0 });
    expect(first.report.bytesTotal).toBe(205 * KIB + 18);

    const second = await backUp(place, disk.path);
    expect(second.report.files).toEqual({ new: 0, changed: 0, unmodified: 3 });
    expect(skipped(second, disk.path)).toEqual(reasons);
  });

  test('is no matter where it is excluded', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip(NEEDS_ROOT);
    await using disk = await mountDamagedExt4(fill, damage, never);
    await using place = await makePlace();
    const { report } = await backUp(place, disk.path, ['bad', 'also-bad', 'sparse', 'dir', 'lost*', 'lost+found']);
    expect(report.skipped).toEqual([]);
  });

  test('fails the backup where it is all that there is', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip(NEEDS_ROOT);
    await using disk = await mountDamagedExt4(fill, damage, never);
    await using place = await makePlace();
    await expect(backUp(place, join(disk.path, 'dir'))).rejects.toMatchObject({ code: 'remote.command-failed' });
  });

  test('may be many files, one beside the other', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip(NEEDS_ROOT);
    const names = Array.from({ length: 130 }, (_, at) => `file-${at}`);
    const many = async (path: string): Promise<void> => {
      for (const name of names) await writeFile(join(path, name), pattern(60 * KIB + name.length));
    };
    const blocks = names.filter((_, at) => at % 10 !== 3);
    await using disk = await mountDamagedExt4(many, { blocks }, never);
    await using place = await makePlace();
    const first = await backUp(place, disk.path);
    expect(Object.keys(skipped(first, disk.path)).toSorted()).toEqual(blocks.toSorted());
    expect(first.report.files.new).toBe(13);
    const nodes = await saved(place, first.restorePoint, disk.path);
    for (const name of names.filter((_, at) => at % 10 === 3)) {
      expect(nodes.get(name)?.content, name).toEqual(pattern(60 * KIB + name.length));
    }
  });
});
