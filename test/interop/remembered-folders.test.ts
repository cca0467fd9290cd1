/**
 * Folders that are passed over, from a real sshd and into a repository in a folder: after twelve rounds of changes by the programs that
 * people use, restic restores each restore point as the tree was then, and finds nothing to store.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { startLocalSshd } from '../lab/local-sshd.ts';
import { describeTree } from '../support/describe-tree.ts';
import { readLiveFolder } from '../support/live-reader.ts';
import { NO_RESTIC, resticFinds, resticOk } from '../support/restic.ts';
import { chanceFrom } from '../support/seeded.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const isRoot = process.getuid?.() === 0;

let folder: TemporaryFolder;
let sshd: Awaited<ReturnType<typeof startLocalSshd>>;
beforeEach(({ skip }) => skip(NO_RESTIC !== undefined || !isRoot, NO_RESTIC ?? 'needs root for a namespace'));
beforeAll(async () => {
  folder = await temporaryFolder();
  if (isRoot) sshd = await startLocalSshd({}, AbortSignal.timeout(300_000));
});
afterAll(async () => {
  await sshd?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const TREE = `mkdir -p a/b/c d/e f; i=0
while [ $i -lt 60 ]; do for each in . a a/b a/b/c d d/e f; do echo "$each $i" > $each/$i; done; i=$((i + 1)); done
ln a/1 f/hard; ln -s ../a/2 d/soft; mkfifo d/pipe; touch -d '3 hours ago' $(find . -type f)`;

/** What people do; times that were set back are those that a comparison of times alone would miss. */
const CHANGES = [
  'echo more >> a/b/c/7',
  'touch -r d/3 keep; echo odd > d/3; touch -r keep d/3; rm keep',
  'mv a/b/5 a/b/6',
  'mv d/e g; mkdir d/e; echo 1 > d/e/1',
  'rm -r f/1 f/2 f/3',
  'chmod 600 a/b/c/9; chown 65534 d/4',
  'setfattr -n user.note -v word a/b/8',
  'ln a/b/9 d/second',
  'cp -a a/b h; rm -r h',
  'mkdir -p new/deep/er; echo here > new/deep/er/file',
  'mv d/soft a/soft; touch .',
  'true',
];

test('restic restores what was there each time', { timeout: 240_000 }, async () => {
  const [source, repository] = [join(folder.path, 'source'), join(folder.path, 'repository')];
  await mkdir(source);
  await (await createTestRepository(createLocalBackend(repository))).close();
  const sh = (script: string) => execa('/bin/sh', ['-ec', script], { cwd: source });
  const order = {
    ...{ sshConfigFile: sshd.sshConfigFile, dir: source, repository, password: PASSWORD, workFolder: folder.path },
  };
  await sh(TREE);
  await readLiveFolder(order);
  const chance = chanceFrom(43);
  const left = [...CHANGES];
  for (let round = 0; left.length > 0; round += 1) {
    const [change = ''] = left.splice(chance.below(left.length), 1);
    await sh(change);
    const then = await describeTree(source);
    const { restorePoint, events } = await readLiveFolder(order);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
    const target = join(folder.path, `restored-${round}`);
    await resticOk(repository, 'restore', restorePoint, '--target', target);
    expect(await describeTree(join(target, source)), change).toEqual(then);
  }
  expect(await resticFinds(repository, '--read-data')).toEqual([]);
  const lines = (await resticOk(repository, 'backup', '--force', '--json', source)).trim().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ data_blobs: 0 });
});
