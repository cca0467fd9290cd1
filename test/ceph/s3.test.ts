/** The S3 backend, and restic beside it, in a real Ceph. Run it with: npm run test:ceph */
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { parseLocation, type S3Location } from '../../shared/domain/location.ts';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { createThrottle } from '../../shared/repository/backend/limit.ts';
import { createS3Backend, type S3BackendOptions } from '../../shared/repository/backend/s3.ts';
import { backendContract } from '../contract/backend.ts';
import { type Ceph, NO_CEPH, startCeph } from '../support/stores/ceph.ts';
import { resticReadsOurs, weReadRestics } from '../support/stores/shared-with-restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const signal = AbortSignal.timeout(10 * 60_000);
const CONFIG = { type: 'config', name: '' } as const;

describe('in Ceph', () => {
  const running = new AsyncDisposableStack();
  let ceph: Ceph;
  let count = 0;

  beforeEach(({ skip }) => skip(NO_CEPH !== undefined, NO_CEPH));
  beforeAll(async () => {
    if (NO_CEPH !== undefined) return;
    const folder = running.use(await temporaryFolder());
    ceph = running.use(await startCeph(folder.path));
  });
  afterAll(() => running.disposeAsync());

  function open(path: string, options: Partial<S3BackendOptions> = {}): Backend {
    const location = parseLocation(`s3:${ceph.url}${path}`) as S3Location;
    const throttle = createThrottle({}, systemClock);
    return createS3Backend(location, { keys: ceph.keys, connections: 5, throttle, ...options });
  }

  backendContract('S3', async () => {
    count += 1;
    const backend = open(`contract/some%20where/${count}`);
    return {
      backend,
      async tamper(file, change) {
        const changed = change(await backend.load(file, undefined, signal));
        await backend.remove(file, signal);
        if (changed !== undefined) await backend.save(file, [changed], signal);
      },
      [Symbol.asyncDispose]: () => backend.close(),
    };
  });

  it('stores what is large in parts, and leaves none of them behind', async () => {
    const part = 5 * 1024 ** 2;
    await using backend = open('parts/x', { multipart: { aboveBytes: part, partBytes: part } });
    await backend.prepare(signal);
    const content = randomBytes(3 * part + 1000);
    const file = { type: 'data', name: createHash('sha256').update(content).digest('hex') } as const;
    await backend.save(file, [content.subarray(0, part + 20), content.subarray(part + 20)], signal);
    expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);

    const other = { type: 'data', name: '0'.repeat(64) } as const;
    for (const delayMs of [5, 30, 60, 120]) {
      const stop = new AbortController();
      const saved = backend.save(other, [content], stop.signal);
      setTimeout(() => stop.abort(new Error('stop')), delayMs);
      await expect(saved).rejects.toThrow('stop');
    }
    // The bucket's own index, in which parts without their end would stand too.
    const index = async (): Promise<string[]> => {
      const entries = JSON.parse(await ceph.admin('bucket', 'list', '--bucket', 'parts')) as {
        readonly name: string;
      }[];
      return entries.map(({ name }) => name);
    };
    await expect.poll(index, { timeout: 20_000 }).toEqual([`x/data/${file.name.slice(0, 2)}/${file.name}`]);
  });

  it.each([
    ['a wrong secret key', { secretAccessKey: 'the-wrong-door' }, 'the secret key does not fit the access key'],
    ['an unknown key', { accessKeyId: 'NOBODY' }, 'the store does not know the access key'],
  ])('says of %s what is wrong with it, and shows none', async (_, wrong, words) => {
    await using backend = open('contract/x', { keys: { ...ceph.keys, ...wrong } });
    const error = await backend.load(CONFIG, undefined, signal).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'backend.denied', retry: 'never' });
    expect((error as Error).message).toContain(words);
    expect(JSON.stringify([(error as Error).message, (error as { details: unknown }).details])).not.toContain('door');
  });

  it('refuses content that changed on its way, and leaves nothing', async () => {
    await using line = await changingLine(Number(new URL(ceph.url).port), 'true content', 'fake content');
    const location = parseLocation(`s3:http://127.0.0.1:${line.port}/parts/line`) as S3Location;
    const throttle = createThrottle({}, systemClock);
    await using backend = createS3Backend(location, { keys: ceph.keys, connections: 1, throttle });
    await expect(backend.save(CONFIG, [Buffer.from('true content')], signal)).rejects.toMatchObject({
      code: 'backend.failed',
      retry: 'maybe',
      message: expect.stringContaining('the content changed on its way') as string,
    });
    await expect(backend.stat(CONFIG, signal)).rejects.toMatchObject({ code: 'backend.not-found' });
  });

  it('says that a bucket has no room left', async () => {
    await using backend = open('small/x');
    await backend.prepare(signal);
    await ceph.admin('quota', 'set', '--quota-scope', 'user', '--uid', 'tests', '--max-size', '4096');
    await ceph.admin('quota', 'enable', '--quota-scope', 'user', '--uid', 'tests');
    await using other = open('small/x');
    const full = (): Promise<string> =>
      other.save(CONFIG, [Buffer.alloc(100_000)], signal).then(
        () => 'saved',
        (error: { readonly code: string }) => error.code,
      );
    await expect.poll(full, { timeout: 30_000, interval: 500 }).toBe('backend.no-space');
    await ceph.admin('quota', 'disable', '--quota-scope', 'user', '--uid', 'tests');
  });

  it('holds a repository that restic and we share', async () => {
    const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = ceph.keys;
    const place = {
      open: () => open('shared/main'),
      location: `s3:${ceph.url}shared/main`,
      env: { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
    };
    expect(await weReadRestics(place, await resticReadsOurs(place))).toEqual([]);
  });
});

/** A line to the port on which one text becomes another. */
async function changingLine(to: number, text: string, other: string): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    near.on('data', (piece) => far.write(Buffer.from(piece.toString('latin1').replace(text, other), 'latin1')));
    far.pipe(near);
    for (const socket of [near, far]) socket.on('error', () => [near, far].map((one) => one.destroy()));
    near.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  return {
    port,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
