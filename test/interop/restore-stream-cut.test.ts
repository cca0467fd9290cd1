/** Wherever a tar stream has to end before its end, whoever reads it fails, and takes nothing for content that is none. */
import { randomBytes } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StillpointError, toStillpointError } from '../../shared/base/errors.ts';
import { streamPoint } from '../../shared/pipeline/stream-point.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { blobIdOf } from '../../shared/repository/ids.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { forgeRepository } from '../support/forged-repository.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { PASSWORD, testSignal } from '../support/test-repository.ts';

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const MIB = 1024 ** 2;
type Why = 'repository.damaged' | 'backend.failed';
const fault = (code: Why) => new StillpointError(code, 'It cannot be read.', { advice: '', cause: undefined });

/** A stream of a small file and a large one. @param last the last piece of the large one @param why that cannot be read */
async function streamed(last: Buffer, why: Why): Promise<{ readonly code: string; readonly file: string }> {
  const name = randomBytes(4).toString('hex');
  const file = join(folder.path, `${name}.tar`);
  await forgeRepository(join(folder.path, name), [
    { name: 'a', type: 'file', content: [randomBytes(MIB)] },
    {
      name: 'large',
      type: 'file',
      content: last.length > MIB ? [last] : [randomBytes(3 * MIB), randomBytes(3 * MIB), last],
    },
  ]);
  const ports = {
    async openRepository(signal: AbortSignal) {
      const repository = await openRepository(createLocalBackend(join(folder.path, name)), PASSWORD, signal);
      const load = repository.loadBlob.bind(repository);
      repository.loadBlob = async (type, id, loading) => {
        if (id === blobIdOf(last)) throw fault(why);
        return await load(type, id, loading);
      };
      repository.loadBlobs = async function* (ids, loading) {
        for (const id of ids) yield { id, data: await repository.loadBlob('data', id, loading) };
      };
      return repository;
    },
    onPart: (part: Uint8Array) => appendFile(file, part),
  };
  const code = await streamPoint({ restorePoint: 'latest', paths: [] }, ports, testSignal()).then(
    () => 'no error',
    (error: unknown) => toStillpointError(error).code,
  );
  return { code, file };
}

async function expectRefused(file: string): Promise<void> {
  for (const tar of ['tar', 'busybox tar']) {
    const { exitCode } = await execa('sh', ['-c', `${tar} -tf - < "$1"`, 'sh', file], { reject: false });
    expect(exitCode, tar).not.toBe(0);
  }
}

test.for([1, 100, 511, 512, 513, 1024, 100_000])('where the last %i bytes of a file are damaged', async (bytes) => {
  const { code, file } = await streamed(randomBytes(bytes), 'repository.damaged');
  expect(code).toBe('restore.failed');
  await expectRefused(file);
});

test('where a store fails between two files', async () => {
  const { code, file } = await streamed(randomBytes(5 * MIB), 'backend.failed');
  expect(code).toBe('backend.failed');
  await expectRefused(file);
});
