/** Stores that fail for long: which are waited for, for how long, and what is said at the end. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { parseLocation } from '../../../shared/domain/location.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import { SftpPool } from '../../../shared/remote/sftp/sftp-pool.ts';
import type { Trouble } from '../../../shared/repository/backend/attempts.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { openBackend } from '../../../shared/repository/backend/open-backend.ts';
import { PATIENCE } from '../../../shared/repository/backend/patience.ts';
import { withRetries } from '../../../shared/repository/backend/retry.ts';
import { createSftpBackend } from '../../../shared/repository/backend/sftp.ts';
import { whyNoSftpServer } from '../../support/remote/sftp-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { TestClock } from '../../support/test-clock.ts';

const CONFIG = { type: 'config', name: '' } as const;
const PACK = { type: 'data', name: 'ab'.repeat(32) } as const;
const OTHER = { type: 'data', name: 'cd'.repeat(32) } as const;
const LOCK = { type: 'locks', name: 'ef'.repeat(32) } as const;

let clock: TestClock;
let troubles: Trouble[];
beforeEach(() => {
  clock = new TestClock();
  troubles = [];
});

/** How a call ended, and how much time went by. */
async function ending(call: Promise<unknown>) {
  const start = clock.ms;
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause as StillpointError,
  );
  return { error, seconds: (clock.ms - start) / 1000 };
}

describe('a store behind HTTP', () => {
  let server: Server;
  let asked: string[];
  /** A status, or undefined for no answer at all. */
  let answer: (request: IncomingMessage) => number | undefined;

  beforeEach(async () => {
    asked = [];
    answer = () => 200;
    server = createServer((request, response) => {
      const chunks = request.resume();
      chunks.on('end', () => {
        asked.push(`${request.method} ${request.url}`);
        const status = answer(request);
        const body = status === 200 ? '[]' : '';
        if (status !== undefined) response.writeHead(status, { 'content-length': body.length }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  function open(patience: keyof typeof PATIENCE, more: Partial<(typeof PATIENCE)['job']> = {}): Promise<Backend> {
    const { port } = server.address() as AddressInfo;
    const ports = {
      clock,
      logger: silentLogger,
      patience: { ...PATIENCE[patience], ...more },
      onTrouble: (trouble: Trouble) => troubles.push(trouble),
    };
    return openBackend(parseLocation(`rest:http://127.0.0.1:${port}/`), { secret: undefined }, ports, never);
  }

  it('that answers 500 to everything ends a question within 12 s', async () => {
    await using backend = await open('question');
    answer = () => 500;
    const { error, seconds } = await ending(backend.load(PACK, undefined, never));
    expect(error).toMatchObject({
      code: 'backend.failed',
      message: expect.stringMatching(
        /answered 500\. It does not answer a request for "config" either\. That was tried \d+ times within \d+ s\.$/,
      ) as string,
      details: { answersOthers: false },
    });
    expect(seconds).toBeLessThanOrEqual(12);
    expect(seconds).toBeGreaterThan(6);
  });

  it('is waited for by a job as long as ever, and found again', async () => {
    await using backend = await open('job');
    answer = () => (clock.ms < 1_000_000 + 120_000 ? 500 : 200);
    const { error, seconds } = await ending(backend.save(PACK, [Buffer.from('x')], never));
    expect(error).toBeUndefined();
    expect(seconds).toBeGreaterThanOrEqual(120);
    expect(troubles.at(-1)).toMatchObject({ answersOthers: false });
    expect(troubles.at(-1)?.leftMs).toBeGreaterThan(400_000);
  });

  it.each(['job', 'question'] as const)(
    'that refuses to write and lives is given up soon by a %s',
    async (patience) => {
      await using backend = await open(patience);
      answer = ({ method }) => (method === 'POST' ? 500 : 200);
      const { error, seconds } = await ending(backend.save(PACK, [Buffer.from('x')], never));
      expect(error).toMatchObject({
        code: 'backend.failed',
        message: expect.stringMatching(
          /^Pack abababab could not be written to rest:.*: the store answered 500\. It answers other requests, so it runs and refuses this one: \d+ times within \d+ s\.$/,
        ) as string,
        advice: expect.stringContaining('It may be full, over its quota') as string,
        details: { status: 500, answersOthers: true },
      });
      expect(seconds).toBeLessThanOrEqual(PATIENCE[patience].refusedMs / 1000);
      expect(seconds).toBeGreaterThan(PATIENCE[patience].refusedMs / 3000);
      expect(asked.filter((request) => request === 'GET /config')).toHaveLength(1);
      expect(troubles.map(({ answersOthers }) => answersOthers).slice(0, 3)).toEqual([undefined, undefined, true]);
    },
  );

  it.each([
    ['an empty file', 0, true],
    ['a part', 3, true],
    ['the whole file', 6, false],
  ])('that is full and keeps %s of what it refused', async (_what, sizeBytes, isRemoved) => {
    await using backend = await open('question');
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      request.resume().on('end', () => {
        const isLock = request.url?.startsWith('/locks/') === true;
        if (request.method === 'POST') response.writeHead(500).end();
        else response.writeHead(200, { 'content-length': isLock && request.method === 'HEAD' ? sizeBytes : 0 }).end();
      });
    });
    await expect(backend.save(LOCK, [Buffer.from('abcdef')], never)).rejects.toMatchObject({ code: 'backend.failed' });
    expect(asked.includes(`DELETE /locks/${LOCK.name}`)).toBe(isRemoved);
    await expect(backend.save(CONFIG, [Buffer.from('abcdef')], never)).rejects.toMatchObject({
      code: 'backend.failed',
    });
    expect(asked).not.toContain('DELETE /config');
  });

  it('that cannot read one file is given up soon, and another reason is named', async () => {
    await using backend = await open('job');
    answer = ({ url }) => (url === `/data/${PACK.name}` ? 500 : 200);
    const { error, seconds } = await ending(backend.load(PACK, undefined, never));
    expect(error?.advice).toContain('damaged part of its disk');
    expect(seconds).toBeLessThanOrEqual(45);
    // The refusal of one request does not give up others.
    expect(await backend.load(OTHER, undefined, never)).toHaveLength(2);
  });

  it('where no repository is made yet lives, too', async () => {
    await using backend = await open('job');
    answer = ({ method }) => (method === 'POST' ? 500 : 404);
    const { error, seconds } = await ending(backend.save(CONFIG, [Buffer.from('x')], never));
    expect([error?.details['answersOthers'], seconds <= 45]).toEqual([true, true]);
  });

  it.each([429, 502, 503, 504])('that says %s means later, and is waited for', async (status) => {
    await using backend = await open('job');
    answer = ({ method }) => (method === 'POST' && clock.ms < 1_000_000 + 90_000 ? status : 200);
    const { error, seconds } = await ending(backend.save(PACK, [Buffer.from('x')], never));
    expect([error, seconds >= 90]).toEqual([undefined, true]);
    expect(asked.filter((request) => request === 'GET /config')).toEqual([]);
  });

  it('that is refused in between for another reason is not judged by it', async () => {
    await using backend = await open('job');
    let n = 0;
    answer = ({ method }) => (method === 'POST' ? [500, 500, 503][n++ % 3] : 200);
    const { error } = await ending(backend.save(PACK, [Buffer.from('x')], never));
    expect(error?.details['answersOthers']).toBeUndefined();
  });

  it('that was given up is tried once for each call of the next minute, until one works', async () => {
    await using backend = await open('question');
    answer = () => 500;
    await ending(backend.load(CONFIG, undefined, never));
    for (const call of [
      () => backend.load(PACK, undefined, never),
      () => backend.stat(PACK, never),
      () => backend.save(LOCK, [], never),
      () => Array.fromAsync(backend.list('snapshots', never)),
    ]) {
      const { error, seconds } = await ending(call());
      expect([error?.code, seconds]).toEqual(['backend.failed', 0]);
    }
    clock.ms += 61_000;
    expect((await ending(backend.load(PACK, undefined, never))).seconds).toBeGreaterThan(6);
    answer = () => 200;
    await backend.load(PACK, undefined, never);
    answer = () => 500;
    expect((await ending(backend.load(PACK, undefined, never))).seconds).toBeGreaterThan(6);
  });

  it('that says nothing is not asked a second time where the silence took all patience', async () => {
    await using backend = await open('question', { silenceMs: 40, budgetMs: 39 });
    answer = () => undefined;
    asked = [];
    const { error } = await ending(backend.load(CONFIG, undefined, never));
    expect(error).toMatchObject({
      details: { silentMs: 40 },
      message: expect.stringContaining('nothing moved') as string,
    });
    expect(asked).toEqual(['GET /config']);
  });

  it('may take its time to list the packs', async () => {
    await using backend = await open('question', { silenceMs: 40, budgetMs: 39 });
    server.removeAllListeners('request');
    server.on('request', ({ url }, response) => {
      if (url === '/data/') setTimeout(() => response.writeHead(200).end('[]'), 200);
    });
    await expect(Array.fromAsync(backend.list('data', never))).resolves.toEqual([]);
    await expect(Array.fromAsync(backend.list('index', never))).rejects.toMatchObject({ code: 'backend.failed' });
  });
});

describe('a store behind SFTP', () => {
  beforeEach(({ skip }) => {
    const whyNot = whyNoSftpServer();
    skip(whyNot !== undefined, whyNot);
  });

  /** As a quota does it: small files can be written, large ones cannot, and the disk has room. */
  const QUOTA = 'trap "" XFSZ; ulimit -f 20; exec /usr/lib/openssh/sftp-server';

  async function withServer(command: string, work: (backend: Backend, root: string) => Promise<void>): Promise<void> {
    await using folder = await temporaryFolder();
    await using transport = createLocalTransport();
    const line = { start: () => transport.start(command, never), [Symbol.asyncDispose]: async () => undefined };
    const pool = new SftpPool({ host: 'nas', line, connections: 2, clock: systemClock });
    const root = join(folder.path, 'repository');
    const onTrouble = (trouble: Trouble): void => void troubles.push(trouble);
    const ports = { clock, logger: silentLogger, policy: PATIENCE.job, onTrouble };
    await using backend = withRetries(
      createSftpBackend({ folder: root, location: 'sftp:nas:/repository' }, pool),
      ports,
    );
    await backend.prepare(never);
    await work(backend, root);
  }

  it('whose quota is used up is given up soon, and that is said', async () => {
    await withServer(QUOTA, async (backend) => {
      await backend.save(CONFIG, [Buffer.from('config')], never);
      const { error, seconds } = await ending(backend.save(PACK, [randomBytes(1_000_000)], never));
      expect(error).toMatchObject({
        code: 'backend.failed',
        message: expect.stringMatching(/the server says "Failure"\. It answers other requests/) as string,
        advice: expect.stringContaining('over its quota') as string,
      });
      expect(seconds).toBeLessThanOrEqual(45);
      await backend.save(LOCK, [Buffer.from('lock')], never);
    });
  });

  it('whose folder can be written to again in time is written to', async () => {
    await withServer('exec /usr/lib/openssh/sftp-server', async (backend, root) => {
      await backend.save(CONFIG, [Buffer.from('config')], never);
      const folder = join(root, 'data/ab');
      // "Failure", for a write below a file.
      await rm(folder, { recursive: true, force: true });
      await writeFile(folder, '');
      clock.onSleep = () => {
        if (troubles.length < 5) return;
        rmSync(folder, { force: true });
        mkdirSync(folder, { recursive: true });
      };
      const { error } = await ending(backend.save(PACK, [randomBytes(1000)], never));
      expect([error, troubles.length, troubles.at(-1)?.answersOthers]).toEqual([undefined, 5, true]);
      expect(await readdir(folder)).toEqual([PACK.name]);
    });
  });
});
