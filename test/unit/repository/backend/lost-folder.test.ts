/** A folder of a repository that is gone as a whole: a check ends in the same way, so it is no way out. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import type { Backend, FileType } from '../../../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../../../shared/repository/backend/local.ts';
import { createSftpBackend } from '../../../../shared/repository/backend/sftp.ts';
import { repair } from '../../../support/damage/repair-lab.ts';
import { needing } from '../../../support/needing.ts';
import { damageIn } from '../../../support/prune-lab.ts';
import { sftpServers, whyNoSftpServer } from '../../../support/remote/sftp-server.ts';
import { backUp, createTestRepository } from '../../../support/test-repository.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'stillpoint-lost-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function without(backend: Backend, type: FileType): Promise<unknown> {
  await backend.prepare(never);
  await rm(path.join(root, type), { recursive: true });
  return await Array.fromAsync(backend.list(type, never)).catch((error: unknown) => error);
}

function gone(type: FileType, more = ''): object {
  return {
    code: 'backend.not-found',
    message: expect.stringContaining(`he folder "${type}" could not be listed in `) as string,
    advice: `Check that the file system is mounted and the path is right. If the folder is lost, bring it back from a copy of the files of this repository.${more}`,
  };
}

const ANEW = ' Where there is no copy, make an empty folder of that name and run "stillpoint repair index".';
const FOLDERS: readonly [FileType, string][] = [
  ['keys', ''],
  ['data', ''],
  ['snapshots', ''],
  ['index', ANEW],
];

test.each(FOLDERS)('of this machine: %s', async (type, more) => {
  expect(await without(createLocalBackend(root), type)).toMatchObject(gone(type, more));
});

test('one of indexes that is made anew, empty, is filled from the packs', async () => {
  const backend = createLocalBackend(root);
  await using repository = await createTestRepository(backend);
  await backUp(repository, { srv: { hello: 'hello' } });
  await rm(path.join(root, 'index'), { recursive: true });
  await mkdir(path.join(root, 'index'));
  expect(await damageIn(backend, 'check')).toEqual([expect.stringContaining('in no index')]);
  expect((await repair(backend, { part: 'index' })).lost).toEqual([]);
  expect(await damageIn(backend, 'verify')).toEqual([]);
});

describe('over SFTP', needing(whyNoSftpServer()), () => {
  test.each(FOLDERS)('%s', async (type, more) => {
    const backend = createSftpBackend({ folder: root, location: `sftp:here:${root}` }, sftpServers({}).pool);
    expect(await without(backend, type)).toMatchObject(gone(type, more));
    await backend.close();
  });
});
