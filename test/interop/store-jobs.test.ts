/**
 * The whole way to a repository elsewhere: the configuration, the façade, and jobs in processes of their own, which are
 * told what the store asks for through their pipe. Copies near serve the looks and never the proofs.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { parseLocation } from '../../shared/domain/location.ts';
import { jobId, repositoryName } from '../../shared/domain/names.ts';
import type { JobRequest } from '../../shared/domain/verbs/verbs.ts';
import { openBackend } from '../../shared/repository/backend/open-backend.ts';
import { PATIENCE } from '../../shared/repository/backend/patience.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { openStillpoint, type Stillpoint } from '../../shared/stillpoint.ts';
import { tamperInFolder } from '../support/backend-fixture.ts';
import { ownCertificate } from '../support/stores/certificate.ts';
import { NO_RCLONE, type RcloneServer, startRclone } from '../support/stores/rclone.ts';
import { BUCKET, KEYS, startS3rver } from '../support/stores/s3rver.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, PASSWORD } from '../support/test-repository.ts';

const MAIN = repositoryName('main');
const LOGIN = { user: 'me', password: 'server-violet-door' };

let folder: TemporaryFolder;
let stillpoint: Stillpoint;
const cacheHome = process.env['XDG_CACHE_HOME'];

beforeEach(async () => {
  folder = await temporaryFolder();
  process.env['XDG_CACHE_HOME'] = join(folder.path, 'cache');
  await writeFile(join(folder.path, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
});
afterEach(async () => {
  if (cacheHome === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheHome;
  await stillpoint[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function configure(repository: Readonly<Record<string, unknown>>): Promise<void> {
  const configFile = join(folder.path, 'config.jsonc');
  await writeFile(configFile, JSON.stringify({ repositories: { main: { passwordFile: 'password', ...repository } } }));
  stillpoint = await openStillpoint({ configFile, stateFolder: join(folder.path, 'state') });
}

async function run(kind: 'check' | 'verify'): Promise<{ outcome: string; findings: number; code: string | undefined }> {
  return await runJob({ kind, repository: MAIN });
}

async function runJob(request: JobRequest): Promise<{ outcome: string; findings: number; code: string | undefined }> {
  const { job } = await stillpoint.startJob(request, never);
  const events = await Array.fromAsync(stillpoint.followJob(jobId(job.id), 0, AbortSignal.timeout(60_000)));
  const end = events.at(-1);
  if (end?.type !== 'job-finished') throw new Error('the job has no end');
  const findings = end.result !== undefined && 'findings' in end.result ? end.result.findings.length : 0;
  return { outcome: end.outcome, findings, code: end.error?.code };
}

async function allText(path: string): Promise<string> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  // A job may still be giving its last files their names.
  const textOf = (file: string): Promise<string> =>
    readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
  return (await Promise.all(files.map(textOf))).join('\n');
}

describe('a repository behind a REST server', () => {
  let server: RcloneServer;
  let certificateFile: string;

  beforeEach(async ({ skip }) => {
    skip(NO_RCLONE !== undefined, NO_RCLONE);
    const certificate = await ownCertificate(folder.path);
    ({ certificateFile } = certificate);
    server = await startRclone(join(folder.path, 'stored'), { login: LOGIN, certificate });
    return () => server[Symbol.asyncDispose]();
  });

  it('is made, looked at and verified, and what is damaged is found behind the copies', async () => {
    await writeFile(join(folder.path, 'login'), `${LOGIN.password}\n`, { mode: 0o600 });
    const rest = { user: LOGIN.user, passwordFile: 'login' };
    const location = `rest:${server.url}main/`;
    await configure({ location, caCertificateFile: certificateFile, rest });
    const { id } = await stillpoint.initRepository(MAIN, never);

    const options = { secret: LOGIN.password, rest: { user: LOGIN.user }, caCertificateFile: certificateFile };
    const backend = await openBackend(
      parseLocation(location),
      options,
      { clock: systemClock, logger: silentLogger, patience: PATIENCE.job },
      never,
    );
    const point = await backUp(await openRepository(backend, PASSWORD, never), { srv: { hello: 'hello' } });

    const browse = () => stillpoint.browse({ repository: MAIN, restorePoint: point.id, path: '/srv' }, never);
    expect((await browse()).entries.map(({ name }) => name)).toEqual(['hello']);
    expect((await readdir(join(folder.path, 'cache', 'stillpoint', id))).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'CACHEDIR.TAG',
      'data',
      'index',
      'snapshots',
    ]);
    expect(await run('verify')).toEqual({ outcome: 'succeeded', findings: 0, code: undefined });

    const flip = (content: Buffer): Buffer => Buffer.from(content.map((byte, at) => (at === 40 ? byte ^ 1 : byte)));
    const [index = ''] = await readdir(join(folder.path, 'stored', 'main', 'index'));
    await tamperInFolder(join(folder.path, 'stored', 'main'))({ type: 'index', name: index }, flip);
    expect((await browse()).entries.length).toBe(1);
    const checked = await run('check');
    expect(checked.findings + (checked.outcome === 'succeeded' ? 0 : 1)).toBeGreaterThan(0);

    expect(await allText(join(folder.path, 'state'))).not.toContain(LOGIN.password);
    expect(await allText(join(folder.path, 'cache'))).not.toContain('hello');
  });

  it('that refuses the login says so, and shows no password of the location', async () => {
    await configure({
      location: `rest:${server.url.replace('://', '://me:kettle-lamp-9@')}main`,
      caCertificateFile: certificateFile,
    });
    await expect(stillpoint.initRepository(MAIN, never)).rejects.toMatchObject({ code: 'backend.denied' });
    expect(await run('check')).toMatchObject({ outcome: 'failed', code: 'backend.denied' });
    expect(JSON.stringify(await stillpoint.listRepositories())).toContain('me:***@');
    const seen = `${JSON.stringify(await stillpoint.listJobs())}${await allText(join(folder.path, 'state'))}`;
    expect(seen).toContain('me:***@');
    expect(seen).not.toContain('kettle-lamp-9');
  });
});

describe('a repository in an S3 store', () => {
  it('is made, looked at and checked with a key that a command prints', async () => {
    await using stored = await temporaryFolder();
    await using server = await startS3rver(stored.path);
    const s3 = { accessKeyId: KEYS.accessKeyId, secretKeyCommand: ['echo', KEYS.secretAccessKey] };
    await configure({ location: `s3:http://127.0.0.1:${server.port}/${BUCKET}/main`, s3, limitDownloadKiB: 100_000 });
    await stillpoint.initRepository(MAIN, never);
    expect(await run('check')).toEqual({ outcome: 'succeeded', findings: 0, code: undefined });
    expect(await stillpoint.listRestorePoints({}, never)).toEqual({
      restorePoints: [],
      unreadable: [],
      unavailable: [],
    });
  });

  it('is looked at itself by all that proves and removes, with no copies near', async () => {
    await using stored = await temporaryFolder();
    await using server = await startS3rver(stored.path);
    const s3 = { accessKeyId: KEYS.accessKeyId, secretKeyCommand: ['echo', KEYS.secretAccessKey] };
    const location = `s3:http://127.0.0.1:${server.port}/${BUCKET}/main`;
    await configure({ location, s3 });
    await stillpoint.initRepository(MAIN, never);
    const options = { secret: KEYS.secretAccessKey, s3: { accessKeyId: KEYS.accessKeyId } };
    const ports = { clock: systemClock, logger: silentLogger, patience: PATIENCE.job };
    const backend = await openBackend(parseLocation(location), options, ports, never);
    const point = await backUp(await openRepository(backend, PASSWORD, never), { srv: { hello: 'hello' } });
    const isCached = async (work: () => Promise<unknown>): Promise<boolean> => {
      const cache = join(folder.path, 'cache');
      await rm(cache, { recursive: true, force: true });
      await work();
      return existsSync(join(cache, 'stillpoint'));
    };
    expect(await isCached(() => stillpoint.listRestorePoints({}, never))).toBe(true);
    const succeeds = async (request: JobRequest): Promise<void> => {
      expect(await runJob(request)).toMatchObject({ outcome: 'succeeded' });
    };
    const scope = { repository: MAIN, selection: { by: 'points', points: [point.id] } } as const;
    const prune = { maxUnused: '5%' };
    for (const work of [
      () => succeeds({ kind: 'check', repository: MAIN }),
      () => succeeds({ kind: 'verify', repository: MAIN }),
      () => stillpoint.planForget({ ...scope, prune }, never),
      () => stillpoint.planPrune({ repository: MAIN, options: prune }, never),
      () => succeeds({ kind: 'repair', repository: MAIN, scope: { part: 'index', readAll: false }, apply: false }),
      () => succeeds({ kind: 'prune', repository: MAIN, options: prune }),
      () => succeeds({ kind: 'forget', ...scope, prune }),
      () => stillpoint.unlockRepository(MAIN, 'stale', never),
      () => stillpoint.listKeys(MAIN, never),
    ]) {
      expect(await isCached(work), work.toString()).toBe(false);
    }
  });
});
