/**
 * Large files of which little changed, from a real sshd and into a repository in a folder: what was not sent is what did not
 * change, restic finds every byte in order, and what cannot be compared is read whole and said.
 */
import { createCipheriv } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { startLocalSshd } from '../lab/local-sshd.ts';
import { type LiveReaderFigures, readLiveFolder } from '../support/live-reader.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const MIB = 1024 ** 2;
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

const noise = (length: number, seed: number): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(length));

test('only what changed of a large file comes, and restic finds all of it', { timeout: 180_000 }, async () => {
  const [source, repository] = [join(folder.path, 'source'), join(folder.path, 'repository')];
  await mkdir(source);
  await (await createTestRepository(createLocalBackend(repository))).close();
  const order = {
    ...{ sshConfigFile: sshd.sshConfigFile, dir: source, repository, password: PASSWORD, workFolder: folder.path },
  };
  const save = (): Promise<LiveReaderFigures> => readLiveFolder(order);
  const [large, second, small] = ['large', 'with "odd\n name', 'small'].map((name) => join(source, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(large, noise(40 * MIB, 1));
  await writeFile(second, noise(20 * MIB, 2));
  await writeFile(small, noise(3 * MIB, 3));
  const first = await save();
  expect(first.report.bytesEqual).toBeUndefined();

  {
    await using file = await open(large, 'r+');
    await file.write(noise(16 * 1024, 4), 0, 16 * 1024, 11 * MIB);
    await file.write(noise(5 * MIB, 5), 0, 5 * MIB, 40 * MIB);
    await using other = await open(second, 'r+');
    await other.truncate(19 * MIB);
  }
  await writeFile(small, noise(3 * MIB, 6));
  const again = await save();
  expect(again.events.filter(({ type }) => type === 'warning')).toEqual([]);
  const { bytesEqual = 0, bytesRead, bytesReceived, files } = again.report;
  expect(files).toEqual({ new: 0, changed: 3, unmodified: 0 });
  expect(bytesEqual + bytesRead).toBe((45 + 19 + 3) * MIB);
  expect(bytesEqual).toBeGreaterThan(30 * MIB);
  expect(bytesReceived).toBeLessThan(bytesRead + MIB);

  await resticOk(repository, 'check', '--read-data');
  const restored = join(folder.path, 'restored');
  await resticOk(repository, 'restore', again.restorePoint, '--target', restored);
  for (const path of [large, second, small]) {
    expect((await readFile(join(restored, path))).equals(await readFile(path)), path).toBe(true);
  }
  // restic cuts all of it at the same places.
  const lines = (await resticOk(repository, 'backup', '--force', '--json', source)).trim().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ data_blobs: 0 });
});
