/**
 * Copies that restic judges: of ours and of restic's, between formats, with restic's own copy before or after ours.
 * And a copy that is killed in the middle: the next one goes on, and stores nothing twice that was indexed.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { describeTree, treeDifferences } from '../support/describe-tree.ts';
import { archiveFolder } from '../support/local-archive.ts';
import { copyAll } from '../support/repository-copies.ts';
import { resticFinds, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const signal = AbortSignal.timeout(5 * 60_000);
const SCRIPT = String.raw`
mkdir -p "$1/deep/er"; cd "$1"
head -c 3000000 /dev/urandom > random; yes 'a line that repeats' | head -c 2500000 > text; : > empty
for n in $(seq 40); do echo "file $n" > "deep/file-$n"; done
ln -s ../text deep/er/link; ln random deep/er/hard; printf x > "$(printf 'caf\351')"; mkfifo deep/fifo; chmod 4711 text
truncate -s 3M deep/hole
`;

let folder: TemporaryFolder;
let source: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  source = place('files');
  await execa('bash', ['-seu', '-', source], { input: SCRIPT });
});
afterAll(() => folder[Symbol.asyncDispose]());

const place = (name: string): string => join(folder.path, name);
const backend = (name: string) => createLocalBackend(place(name));

async function expectRestored(repository: string, point: string): Promise<void> {
  const target = place(`restored-${repository}-${point.slice(0, 8)}`);
  await resticOk(place(repository), 'restore', point, '--target', target);
  const [expected, actual] = await Promise.all([describeTree(source), describeTree(join(target, source))]);
  expect(treeDifferences(expected, actual).filter((line) => !line.startsWith('.: '))).toEqual([]);
}

describe.each([
  [1, 2],
  [2, 1],
  [2, 2],
] as const)('of a repository of restic, format %i to %i', (one, two) => {
  const from = `theirs-${one}-${two}`;
  const to = `ours-${one}-${two}`;

  it('is clean for restic, restores the same, and is known to both as a copy', async () => {
    await createTestRepository(backend(from), one);
    await resticOk(place(from), 'backup', '--tag', 'a,b', '--exclude', '*.tmp', source);
    await resticOk(place(from), 'backup', join(source, 'deep'));
    await createTestRepository(backend(to), two);
    const { copied, failed } = await copyAll(backend(from), backend(to));
    expect([copied.length, failed]).toEqual([2, []]);
    expect(await resticFinds(place(to), '--read-data')).toEqual([]);
    await expectRestored(to, copied[0]?.copy ?? '');

    // restic recognises our copies, and we recognise those of restic.
    const options = ['--from-repo', place(from), '--from-password-command', `printf %s ${JSON.stringify(PASSWORD)}`];
    await resticOk(place(to), 'copy', ...options);
    expect((JSON.parse(await resticOk(place(to), 'snapshots', '--json')) as unknown[]).length).toBe(2);
    await createTestRepository(backend(`third-${one}-${two}`), two);
    await resticOk(place(`third-${one}-${two}`), 'copy', ...options);
    const again = await copyAll(backend(from), backend(`third-${one}-${two}`));
    expect(again).toMatchObject({ copied: [], alreadyThere: 2, failed: [], bytesRead: 0, bytesStored: 0 });
  });
});

it('of ours restores the same for restic, in format 1 too', async () => {
  const version = 1;
  await using repository = await createTestRepository(backend(`own-${version}`));
  const point = await archiveFolder(repository, source, { signal });
  await createTestRepository(backend(`own-copy-${version}`), version);
  const { copied, failed } = await copyAll(backend(`own-${version}`), backend(`own-copy-${version}`));
  expect([copied.map(({ source: id }) => id), failed]).toEqual([[point.id], []]);
  expect(await resticFinds(place(`own-copy-${version}`), '--read-data')).toEqual([]);
  const target = place(`restored-own-${version}`);
  await resticOk(place(`own-copy-${version}`), 'restore', 'latest', '--target', target);
  const [expected, actual] = await Promise.all([describeTree(source), describeTree(target)]);
  expect(treeDifferences(expected, actual).filter((line) => !line.startsWith('.: '))).toEqual([]);
});

it('that is killed goes on where its index ended', async () => {
  await createTestRepository(backend('long'));
  const child = new URL('../support/copy-child.ts', import.meta.url).pathname;
  const run = (...args: readonly string[]) =>
    execa(process.execPath, [child, ...args], { reject: false, forceKillAfterDelay: false });
  expect((await run('fill', place('long'))).exitCode).toBe(0);
  await createTestRepository(backend('killed'));

  const first = run('copy', place('long'), place('killed'));
  // A line for each restore point that is saved.
  await once(first.stdout, 'data');
  first.kill('SIGKILL');
  await first;
  const repository = await openRepository(backend('killed'), PASSWORD, signal);
  const before = (await repository.listRestorePoints(signal)).points.length;
  await repository.loadIndex(signal);
  const blobs = repository.index.blobCount;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(5);
  expect(blobs).toBeGreaterThan(before);
  await repository.unlock('stale', signal);
  const unreferenced = /not referenced in any index/;
  expect((await resticFinds(place('killed'))).filter((line) => !unreferenced.test(line))).toEqual([]);

  const report = await copyAll(backend('long'), backend('killed'));
  expect(report).toMatchObject({ alreadyThere: before, failed: [] });
  expect(report.copied.length).toBe(5 - before);
  const after = await openRepository(backend('killed'), PASSWORD, signal);
  await after.loadIndex(signal);
  expect(report.blobsNew).toBe(after.index.blobCount - blobs);
  const distinct = new Set(
    [...after.index.packs()].flatMap((pack) => pack.blobs.map(({ type, id }) => `${type}:${id}`)),
  );
  expect(distinct.size).toBe(after.index.blobCount);
  expect((await resticFinds(place('killed'), '--read-data')).filter((line) => !unreferenced.test(line))).toEqual([]);
});
