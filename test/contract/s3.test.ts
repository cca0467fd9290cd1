/**
 * The S3 backend against s3rver, and what it makes of what stores say. s3rver looks at no signatures of today's kind;
 * `test/ceph` goes through the same suite with a store that does.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { parseLocation, type S3Location } from '../../shared/domain/location.ts';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { createThrottle } from '../../shared/repository/backend/limit.ts';
import { createS3Backend, type S3BackendOptions } from '../../shared/repository/backend/s3.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { BUCKET, KEYS, s3rverFixture, startS3rver } from '../support/stores/s3rver.ts';
import type { RunningServer } from '../support/stores/server.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { backendContract } from './backend.ts';

const throttle = createThrottle({}, systemClock);
const OPTIONS: S3BackendOptions = { keys: KEYS, connections: 5, throttle };
const CONFIG = { type: 'config', name: '' } as const;
const s3 = (text: string): S3Location => parseLocation(`s3:${text}`) as S3Location;

// One for each test: a limit for the whole file would make the last tests pay for a slow machine.
let signal: AbortSignal;
beforeEach(() => {
  signal = AbortSignal.timeout(55_000);
});

describe('in s3rver', () => {
  const running = new AsyncDisposableStack();
  let folder: TemporaryFolder;
  let server: RunningServer;
  let count = 0;

  beforeAll(async () => {
    folder = running.use(await temporaryFolder());
    server = running.use(await startS3rver(folder.path));
  });
  afterAll(() => running.disposeAsync());

  const at = (path: string): S3Location => s3(`http://127.0.0.1:${server.port}/${path}`);

  backendContract('S3', async () => {
    count += 1;
    const prefix = `some where/${count}`;
    return s3rverFixture(folder.path, prefix, createS3Backend(at(`${BUCKET}/some%20where/${count}`), OPTIONS));
  });

  it('stores what is large in parts', async () => {
    const part = 5 * 1024 ** 2;
    const multipart = { aboveBytes: part, partBytes: part };
    await using backend = createS3Backend(at(`${BUCKET}/parts`), { ...OPTIONS, multipart });
    const content = randomBytes(2 * part + 1000);
    const file = { type: 'data', name: createHash('sha256').update(content).digest('hex') } as const;
    const pieces = [content.subarray(0, 10), content.subarray(10, part + 20), content.subarray(part + 20)];
    await backend.save(file, pieces, signal);
    expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);
    expect(await backend.stat(file, signal)).toEqual({ name: file.name, sizeBytes: content.length });
  });

  it('lists more than one page', async () => {
    await using backend = createS3Backend(at(`${BUCKET}/pages`), OPTIONS);
    const names = Array.from({ length: 1005 }, (_, index) => String(index).padStart(64, '0'));
    for (let start = 0; start < names.length; start += 50) {
      const some = names.slice(start, start + 50);
      await Promise.all(some.map((name) => backend.save({ type: 'locks', name }, [Buffer.from('x')], signal)));
    }
    const found = await Array.fromAsync(backend.list('locks', signal));
    expect(found.map(({ name }) => name).toSorted()).toEqual(names);
  });

  it('makes a bucket that is not there, and uses one that is', async () => {
    await using backend = createS3Backend(at('fresh'), OPTIONS);
    await expect(backend.load(CONFIG, undefined, signal)).rejects.toMatchObject({
      code: 'backend.not-found',
      message: expect.stringContaining('there is no such bucket (NoSuchBucket)') as string,
    });
    await backend.prepare(signal);
    await backend.prepare(signal);
    await backend.save(CONFIG, [Buffer.from('x')], signal);
    expect((await backend.load(CONFIG, undefined, signal)).toString()).toBe('x');
  });

  it('says what is there in place of a repository', async () => {
    const said = async (place: string): Promise<string> => {
      await using backend = createS3Backend(at(place), OPTIONS);
      return await openRepository(backend, 'password', signal).then(
        () => 'opened',
        (error: unknown) => (error as Error).message.replace(/.*?: (?=th)/, ''),
      );
    };
    expect(await said('nowhere')).toBe('there is no such bucket.');
    await using other = createS3Backend(at('mixed/photos'), OPTIONS);
    await other.prepare(signal);
    expect(await said('mixed')).toBe('the bucket is empty.');
    await other.save(CONFIG, [Buffer.from('x')], signal);
    expect(await said('mixed')).toBe('the bucket holds "photos", and no file "config".');
    expect(await said('mixed/elsewhere')).toBe('this place in the bucket is empty.');
  });

  it('makes no repository among other things, and one beside them', async () => {
    await using other = createS3Backend(at('shared/photos'), OPTIONS);
    await other.prepare(signal);
    await other.save(CONFIG, [Buffer.from('x')], signal);
    await using top = createS3Backend(at('shared'), OPTIONS);
    await expect(top.prepare(signal)).rejects.toMatchObject({
      code: 'usage.invalid',
      message: expect.stringMatching(/^The place s3:.*\/shared is not empty: it holds "photos"\.$/) as string,
    });
    await using beside = createS3Backend(at('shared/backup'), OPTIONS);
    await beside.prepare(signal);
    // What it wrote itself is not foreign to it
    await other.prepare(signal);
  });

  it('says that it does not know a key', async () => {
    await using backend = createS3Backend(at(BUCKET), { ...OPTIONS, keys: { ...KEYS, accessKeyId: 'NOBODY' } });
    await expect(backend.load(CONFIG, undefined, signal)).rejects.toMatchObject({
      code: 'backend.denied',
      retry: 'never',
      message: expect.stringContaining('the store does not know the access key') as string,
    });
  });

  it('finds keys in the environment, as the AWS tools do', async () => {
    const script = `
      import { createS3Backend } from './shared/repository/backend/s3.ts';
      const location = { kind: 's3', tls: false, endpoint: '127.0.0.1:${server.port}', bucket: '${BUCKET}', prefix: 'env' };
      const options = { keys: undefined, connections: 1, throttle: { up: undefined, down: undefined } };
      const backend = createS3Backend(location, options);
      const said = backend.save({ type: 'config', name: '' }, [Buffer.from('x')], AbortSignal.timeout(20000));
      console.log(await said.then(() => 'saved', (error) => error.code + ': ' + error.message));
    `;
    const run = async (env: Record<string, string>): Promise<string> => {
      const options = { cwd: join(import.meta.dirname, '..', '..'), extendEnv: false, env, input: script };
      const { stdout } = await execa(process.execPath, ['--input-type=module-typescript', '-'], options);
      return stdout;
    };
    const nowhere = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' };
    expect(await run({ ...nowhere, AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' })).toBe('saved');
    expect(await run(nowhere)).toMatch(/^config.secret-unavailable: .*no keys for it were found/);
  });

  it('asks a store by the name of its bucket where that is wanted', async () => {
    await using backend = createS3Backend(s3('http://store.invalid/bucket'), { ...OPTIONS, bucketLookup: 'dns' });
    await expect(backend.stat(CONFIG, signal)).rejects.toThrow('the name "bucket.store.invalid" leads nowhere');
    await using amazon = createS3Backend(s3('s3.eu-central-1.amazonaws.com/bucket'), OPTIONS);
    expect(amazon.properties.location).toBe('s3:https://s3.eu-central-1.amazonaws.com/bucket');
  });
});

describe('an S3 store that says', () => {
  // Where "config" is not there, it is looked what is there instead.
  const index = { type: 'index', name: '0'.repeat(64) } as const;
  const xml = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`;

  it.each([
    [403, 'AccessDenied', 'backend.denied', 'never'],
    [403, 'SignatureDoesNotMatch', 'backend.denied', 'never'],
    [403, 'RequestTimeTooSkewed', 'backend.denied', 'never'],
    [400, 'AuthorizationHeaderMalformed', 'backend.denied', 'never'],
    [403, 'QuotaExceeded', 'backend.no-space', 'never'],
    [507, 'XMinioStorageFull', 'backend.no-space', 'never'],
    [503, 'SlowDown', 'backend.failed', 'maybe'],
    [500, 'InternalError', 'backend.failed', 'maybe'],
    [400, 'XAmzContentSHA256Mismatch', 'backend.failed', 'maybe'],
    [502, 'SomethingNew', 'backend.failed', 'maybe'],
    [418, 'SomethingNew', 'backend.failed', 'never'],
    [404, 'NoSuchKey', 'backend.not-found', 'never'],
  ])('%i %s gives %s, to be repeated: %s, and is asked once', async (status, name, code, retry) => {
    let asked = 0;
    await using server = await listening(() => {
      asked += 1;
      return [status, xml(name)];
    });
    await using backend = createS3Backend(s3(`${server.url}bucket`), OPTIONS);
    await expect(backend.load(index, undefined, signal)).rejects.toMatchObject({
      code,
      retry,
      message: expect.stringContaining(`(${name})`) as string,
    });
    expect(asked).toBe(1);
  });

  it('nothing at all, or nothing like S3, is an error', async () => {
    await using server = await listening(() => [200, '<html>hello</html>']);
    await using backend: Backend = createS3Backend(s3(`${server.url}bucket`), OPTIONS);
    await expect(Array.fromAsync(backend.list('keys', signal))).rejects.toMatchObject({ code: 'backend.failed' });
    await using nobody = createS3Backend(s3('http://127.0.0.1:1/bucket'), OPTIONS);
    await expect(nobody.stat(CONFIG, signal)).rejects.toMatchObject({ code: 'backend.failed', retry: 'maybe' });
  });

  it.each([
    ['its beginning', 'POST'],
    ['one of its parts', 'PUT'],
  ])('little during an upload that is cancelled at %s is told to forget it afterwards', async (_, method) => {
    const stop = new AbortController();
    const asked: string[] = [];
    await using server = await listening(async (request) => {
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      if (request.method === method) {
        stop.abort(new Error('stop'));
        await sleep(50);
      }
      asked.push(`${request.method} ${query.get('uploadId') ?? ''}`.trim());
      return [200, '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>'];
    });
    const multipart = { aboveBytes: 10, partBytes: 5 * 1024 ** 2 };
    await using backend = createS3Backend(s3(`${server.url}bucket`), { ...OPTIONS, multipart });
    await expect(backend.save(CONFIG, [Buffer.alloc(100)], stop.signal)).rejects.toThrow('stop');
    await expect.poll(() => asked.at(-1)).toBe('DELETE u1');
    // What was on its way had ended before.
    expect(asked).toEqual(method === 'POST' ? ['POST', 'DELETE u1'] : ['POST', 'PUT u1', 'DELETE u1']);
  });

  type Answer = readonly [status: number, body: string];

  async function listening(
    answer: (request: IncomingMessage) => Answer | Promise<Answer>,
  ): Promise<{ url: string } & AsyncDisposable> {
    const server = createServer((request, response) => {
      request.resume();
      void Promise.resolve(answer(request)).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/xml' });
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    return {
      url: `http://127.0.0.1:${port}/`,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }
});
