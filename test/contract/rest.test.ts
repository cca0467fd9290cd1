/** The REST backend against a real server: rclone's, open, with a login, and with TLS of its own. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { redact, silentLogger } from '../../shared/base/log.ts';
import { parseLocation } from '../../shared/domain/location.ts';
import { createThrottle } from '../../shared/repository/backend/limit.ts';
import { openBackend } from '../../shared/repository/backend/open-backend.ts';
import { PATIENCE } from '../../shared/repository/backend/patience.ts';
import { createRestBackend, type RestOptions } from '../../shared/repository/backend/rest.ts';
import { type BackendFixture, tamperInFolder } from '../support/backend-fixture.ts';
import { ownCertificate } from '../support/stores/certificate.ts';
import { NO_RCLONE, type RcloneServer, startRclone } from '../support/stores/rclone.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { backendContract } from './backend.ts';

const LOGIN = { user: 'me', password: 'rest-violet-door' };
const OPEN: RestOptions = {
  user: undefined,
  password: undefined,
  connections: 5,
  throttle: createThrottle({}, systemClock),
};
const CONFIG = { type: 'config', name: '' } as const;

// One for each test: a limit for the whole file would make the last tests pay for a slow machine.
let signal: AbortSignal;
beforeEach(() => {
  signal = AbortSignal.timeout(55_000);
});

describe('behind rclone serve restic', () => {
  let folder: TemporaryFolder;
  let open: RcloneServer;
  let secured: RcloneServer;
  const running = new AsyncDisposableStack();
  let ca: string;
  let count = 0;

  beforeEach(({ skip }) => skip(NO_RCLONE !== undefined, NO_RCLONE));
  beforeAll(async () => {
    if (NO_RCLONE !== undefined) return;
    folder = running.use(await temporaryFolder());
    const certificate = await ownCertificate(folder.path);
    ca = await readFile(certificate.certificateFile, 'utf8');
    open = running.use(await startRclone(join(folder.path, 'open')));
    secured = running.use(await startRclone(join(folder.path, 'secured'), { login: LOGIN, certificate }));
  });
  afterAll(() => running.disposeAsync());

  function fixture(server: RcloneServer, place: string, options: RestOptions): BackendFixture {
    count += 1;
    const backend = createRestBackend(server.locationOf(`${count}`), options);
    const tamper = tamperInFolder(join(folder.path, place, `${count}`));
    return { backend, tamper, [Symbol.asyncDispose]: () => backend.close() };
  }

  backendContract('REST', async () => fixture(open, 'open', OPEN));
  backendContract('REST with a login over TLS', async () =>
    fixture(secured, 'secured', { ...OPEN, ...LOGIN, caCertificates: ca }),
  );

  it('says that a certificate is not trusted', async () => {
    const backend = createRestBackend(secured.locationOf('x'), { ...OPEN, ...LOGIN });
    await expect(backend.load(CONFIG, undefined, signal)).rejects.toMatchObject({
      code: 'backend.untrusted',
      retry: 'never',
      advice: expect.stringContaining('caCertificateFile') as string,
    });
  });

  it('says that a login is refused, and shows no password', async () => {
    const wrong = { ...OPEN, user: 'me', password: 'not-the-door', caCertificates: ca };
    const backend = createRestBackend(secured.locationOf('x'), wrong);
    await expect(backend.load(CONFIG, undefined, signal)).rejects.toMatchObject({
      code: 'backend.denied',
      message: expect.stringMatching(
        /^The file "config" could not be read from rest:.*: the login is refused/,
      ) as string,
    });
    expect(redact(`Basic ${Buffer.from('me:not-the-door').toString('base64')}`)).toBe('Basic [redacted]');
  });

  it('says that a login is wanted where none is configured, and where it is written', async () => {
    const backend = createRestBackend(secured.locationOf('x'), { ...OPEN, caCertificates: ca });
    await expect(backend.load(CONFIG, undefined, signal)).rejects.toMatchObject({
      code: 'backend.denied',
      message: expect.stringContaining('the store wants a login, and none is configured (401).') as string,
      advice: 'Write "user" and "passwordFile" into "rest" of the repository.',
    });
  });

  it('says that nobody listens', async () => {
    const nobody = { ...open.locationOf('x'), endpoint: '127.0.0.1:1' };
    const backend = createRestBackend(nobody, OPEN);
    await expect(backend.load(CONFIG, undefined, signal)).rejects.toMatchObject({
      code: 'backend.failed',
      retry: 'maybe',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('keeps to a limit within one file', async () => {
    const throttle = createThrottle({ uploadKiBps: 400, downloadKiBps: 400 }, systemClock);
    const { backend } = fixture(open, 'open', { ...OPEN, throttle });
    await backend.prepare(signal);
    const start = performance.now();
    await backend.save(CONFIG, [Buffer.alloc(1_000_000)], signal);
    const sent = performance.now();
    await backend.load(CONFIG, undefined, signal);
    // One second's worth goes at once; the rest of 977 KiB takes its time, but for its last piece.
    expect(sent - start).toBeGreaterThan(300);
    expect(performance.now() - sent).toBeGreaterThan(300);
  });
});

describe('a place that is opened', () => {
  const ports = { clock: systemClock, logger: silentLogger, patience: PATIENCE.job };
  const open = (location: string) => openBackend(parseLocation(location), { secret: undefined }, ports, signal);

  it.each(['rest:http://127.0.0.1:1/', 's3:http://127.0.0.1:1/bucket'])(
    '%s, where nobody is, is not waited for',
    async (place) => {
      const start = performance.now();
      const secret = { secret: 'x', s3: { accessKeyId: 'x' } };
      await expect(openBackend(parseLocation(place), secret, ports, signal)).rejects.toThrow('ECONNREFUSED');
      expect(performance.now() - start).toBeLessThan(5000);
    },
  );

  it('and answers, whatever it says, is open', async () => {
    const server = createServer((_, response) => response.writeHead(503).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    await using backend = await open(`rest:http://127.0.0.1:${port}/`);
    expect(backend.properties.connections).toBe(5);
    server.closeAllConnections();
    server.close();
  });
});

describe('a server of another kind', () => {
  /** Answers every request so. */
  async function answering(
    status: number,
    headers: Record<string, string>,
    body: string,
    method?: string,
  ): Promise<{ url: string } & AsyncDisposable> {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(method === undefined || request.method === method ? status : 200, headers);
      response.end(body);
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

  const at = (url: string) => {
    const { host } = new URL(url);
    const location = {
      kind: 'rest',
      tls: false,
      endpoint: host,
      path: '/',
      user: undefined,
      password: undefined,
    } as const;
    return createRestBackend(location, OPEN);
  };

  const names = async (url: string): Promise<unknown> => {
    await using backend = at(url);
    return (await Array.fromAsync(backend.list('keys', signal))).map(({ name, sizeBytes }) => [name, sizeBytes]);
  };

  it('that knows the first version of listings only is asked for each size', async () => {
    await using server = await answering(200, { 'content-length': '16' }, '["one","two,]["]');
    expect(await names(server.url)).toEqual([
      ['one', 16],
      ['two,][', 16],
    ]);
  });

  it('that has nothing may say so', async () => {
    await using server = await answering(200, {}, ' [ ] ');
    expect(await names(server.url)).toEqual([]);
  });

  it.each(['', '{}', '[', '[{"name":1}]', '[{"name":"x","size":1}', '[null]', '<html>'])(
    'that lists %j is not understood',
    async (body) => {
      await using server = await answering(200, {}, body);
      await expect(names(server.url)).rejects.toMatchObject({ code: 'backend.failed', retry: 'never' });
    },
  );

  it('that has no folder of restore points is no empty repository', async () => {
    await using server = await answering(404, {}, '');
    await expect(names(server.url)).rejects.toMatchObject({ code: 'backend.not-found' });
  });

  it.each([
    [403, 'backend.denied', 'never'],
    [507, 'backend.no-space', 'never'],
    [413, 'backend.no-space', 'never'],
    [429, 'backend.failed', 'maybe'],
    [503, 'backend.failed', 'maybe'],
    [400, 'backend.failed', 'never'],
    [301, 'backend.failed', 'never'],
  ])('that answers %i gives %s, to be repeated: %s', async (status, code, retry) => {
    await using server = await answering(status, {}, 'because of the moon\n');
    await using backend = at(server.url);
    await expect(backend.save(CONFIG, [Buffer.from('x')], signal)).rejects.toMatchObject({
      code,
      retry,
      message: expect.stringContaining('It says: because of the moon.') as string,
    });
  });

  it.each([
    ['the same', 'x', 'undefined'],
    ['something else', 'y', 'backend.denied'],
  ])('that refuses to write a file again and holds %s', async (_, stored, outcome) => {
    await using server = await answering(403, {}, stored, 'POST');
    await using backend = at(server.url);
    const saved = backend.save(CONFIG, [Buffer.from('x')], signal);
    expect(await saved.then(String, (error: { code: string }) => error.code)).toBe(outcome);
  });

  it('that breaks off in the middle of an answer is asked again', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('only this');
      setTimeout(() => response.destroy(), 20);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    await using backend = at(`http://127.0.0.1:${port}`);
    await expect(backend.load(CONFIG, undefined, signal)).rejects.toMatchObject({
      code: 'backend.failed',
      retry: 'maybe',
    });
    await new Promise((resolve) => server.close(resolve));
  });

  it('that says nothing is given up', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    const location = { kind: 'rest', tls: false, endpoint: `127.0.0.1:${port}`, path: '/' } as const;
    const options = { ...OPEN, silenceMs: 50 };
    const backend = createRestBackend({ ...location, user: undefined, password: undefined }, options);
    await expect(backend.stat(CONFIG, signal)).rejects.toMatchObject({ code: 'backend.failed', retry: 'maybe' });
    const stop = new AbortController();
    const reason = new Error('stop');
    const asked = createRestBackend({ ...location, user: undefined, password: undefined }, OPEN).stat(
      CONFIG,
      stop.signal,
    );
    setTimeout(() => stop.abort(reason), 20);
    await expect(asked).rejects.toBe(reason);
    server.closeAllConnections();
    server.close();
  });
});
