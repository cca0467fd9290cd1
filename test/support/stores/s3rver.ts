/** s3rver: a small S3 server from npm that keeps objects in files, quick enough for every run. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import type { BackendFixture } from '../backend-fixture.ts';
import { type RunningServer, startServer } from './server.ts';

export const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
export const BUCKET = 'bucket';

const PROGRAM = fileURLToPath(import.meta.resolve('s3rver/bin/s3rver.js'));

export function startS3rver(folder: string): Promise<RunningServer> {
  return startServer((port) => [
    process.execPath,
    // It marks the pages of a listing with a cipher that OpenSSL has put aside.
    '--openssl-legacy-provider',
    PROGRAM,
    ...['--directory', folder, '--address', '127.0.0.1', '--port', String(port), '--configure-bucket', BUCKET],
  ]);
}

/** @param prefix where in the bucket the repository lies */
export function s3rverFixture(folder: string, prefix: string, backend: Backend): BackendFixture {
  return {
    backend,
    async tamper({ type, name }, change) {
      const key = type === 'config' ? 'config' : join(type, type === 'data' ? name.slice(0, 2) : '', name);
      const base = join(folder, BUCKET, prefix, `${key}._S3rver`);
      const changed = change(await readFile(`${base}_object`));
      if (changed !== undefined) await writeFile(`${base}_object`, changed);
      else for (const part of ['object', 'object.md5', 'metadata.json']) await rm(`${base}_${part}`, { force: true });
    },
    [Symbol.asyncDispose]: () => backend.close(),
  };
}
