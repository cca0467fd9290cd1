/** What becomes of a stream: in a repository it is cut where restic cuts it, and an archive or a mirror has it as a file. */

import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { backUpHere, makeRepository } from '../support/backing-up.ts';
import { exportHere } from '../support/exporting.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { chanceFrom } from '../support/seeded.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { PASSWORD } from '../support/test-repository.ts';

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());
beforeEach(({ skip }) => skip(NO_RESTIC !== undefined, NO_RESTIC));

test('what a command writes is the same pieces as a backup of it by restic', async () => {
  const repository = join(folder.path, 'repository');
  const file = join(folder.path, 'content');
  const rows = Array.from({ length: 300_000 }, (_, row) => `${row}, "a row of a table"\n`).join('');
  const content = Buffer.concat([chanceFrom(3).bytes(9_000_000), Buffer.alloc(3_000_000), Buffer.from(rows)]);
  await writeFile(file, content);
  await makeRepository(repository);
  const { report, error } = await backUpHere({
    ...{ repository, workFolder: folder.path, paths: [], withoutSnapshot: 'refuse' },
    dumps: [{ of: 'command', name: 'content', command: ['cat', file] }],
  });
  expect(error).toBeUndefined();
  expect(report).toMatchObject({ consistency: 'fuzzy', missingCount: 0, bytesTotal: content.length });
  const own = await execa(
    'restic',
    ['-r', repository, '--no-cache', 'dump', 'latest', '/.stillpoint-dumps/command/content'],
    {
      env: { RESTIC_PASSWORD: PASSWORD },
      encoding: 'buffer',
      stripFinalNewline: false,
      maxBuffer: 2 * content.length,
    },
  );
  expect(Buffer.from(own.stdout).equals(content)).toBe(true);
  const theirs = await execa('restic', ['-r', repository, '--no-cache', 'backup', '--stdin', '--json'], {
    env: { RESTIC_PASSWORD: PASSWORD },
    input: createReadStream(file),
  });
  const summary = JSON.parse(theirs.stdout.trim().split('\n').at(-1) ?? '') as { readonly data_blobs: number };
  expect(summary.data_blobs).toBe(0);
  expect(await resticOk(repository, 'check', '--read-data')).toContain('no errors were found');
});

test('an archive and a mirror have what a command writes as a file, and no dump that ends badly', async () => {
  const file = join(folder.path, 'words');
  const content = chanceFrom(4).bytes(3_000_000);
  await writeFile(file, content);
  const order = { workFolder: join(folder.path, 'work'), paths: [], withoutSnapshot: 'refuse' as const };
  const dumps = [{ of: 'command', name: 'words', command: ['cat', file] }] as const;
  const archive = join(folder.path, 'words.tar.zst');
  const archived = await exportHere({ ...order, dumps, to: { kind: 'archive', file: archive } });
  expect(archived.error).toBeUndefined();
  expect(archived.report).toMatchObject({ files: 1, bytesTotal: content.length, dumps: [{ consistency: 'fuzzy' }] });
  const read = ['--zstd', '-xOf', archive, '.stillpoint-dumps/command/words'];
  const { stdout } = await execa('tar', read, { encoding: 'buffer', stripFinalNewline: false });
  expect(Buffer.from(stdout).equals(content)).toBe(true);

  const mirror = { kind: 'mirror', folder: join(folder.path, 'mirror') } as const;
  const mirrored = await exportHere({ ...order, dumps, to: mirror });
  expect(mirrored.error).toBeUndefined();
  const path = join(mirrored.report?.path ?? '', '.stillpoint-dumps/command/words');
  expect((await readFile(path)).equals(content)).toBe(true);

  const bad = [{ of: 'command', name: 'words', command: ['sh', '-c', `cat ${file}; exit 3`] }] as const;
  const failed = await exportHere({ ...order, dumps: bad, to: { kind: 'archive', file: `${archive}.2.tar.zst` } });
  expect(failed.error).toMatchObject({ code: 'dump.failed' });
  expect(await readdir(order.workFolder)).toEqual([]);
  expect((await readdir(folder.path)).filter((name) => name.includes('.2.tar.zst'))).toEqual([]);
});
