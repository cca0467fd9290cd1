/** Stores that never stop sending and never get anywhere, and slow ones that do. */
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { parseLocation } from '../../../shared/domain/location.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { createThrottle } from '../../../shared/repository/backend/limit.ts';
import { createRestBackend } from '../../../shared/repository/backend/rest.ts';
import { createS3Backend } from '../../../shared/repository/backend/s3.ts';
import { TestClock } from '../../support/test-clock.ts';

const CONFIG = { type: 'config', name: '' } as const;
const KEY = { type: 'keys', name: 'ab'.repeat(32) } as const;
/** In place of a minute. */
const SLOWNESS_MS = 400;

interface Store extends AsyncDisposable {
  readonly rest: Backend;
  readonly s3: Backend;
}

async function aStore(respond: (response: ServerResponse) => Promise<void>, limitKiB?: number): Promise<Store> {
  const server = createHttpServer((_request, response) => void respond(response).catch(() => undefined));
  return backendsAt(await listening(server), () => server.closeAllConnections(), server, limitKiB);
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function backendsAt(port: number, hangUp: () => void, server: AsyncDisposable, limitKiB?: number): Store {
  const throttle = createThrottle(limitKiB === undefined ? {} : { downloadKiBps: limitKiB }, new TestClock());
  const options = { throttle, slownessMs: SLOWNESS_MS, connections: 5 };
  const rest = parseLocation(`rest:http://127.0.0.1:${port}/`);
  const s3 = parseLocation(`s3:http://127.0.0.1:${port}/bucket/folder`);
  if (rest.kind !== 'rest' || s3.kind !== 's3') throw new Error('the locations are of other kinds');
  const keys = { accessKeyId: 'a', secretAccessKey: 'b' };
  const backends = {
    rest: createRestBackend(rest, { ...options, user: undefined, password: undefined }),
    s3: createS3Backend(s3, { ...options, keys }),
  };
  return {
    ...backends,
    async [Symbol.asyncDispose]() {
      for (const backend of Object.values(backends)) await backend.close();
      hangUp();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A byte now and then, as long as the other side listens; a thousand of them at most. */
async function drip(sink: ServerResponse | Socket, everyMs: number): Promise<void> {
  for (let sent = 0; sent < 1000 && !sink.destroyed; sent += 1) {
    sink.write('x');
    await delay(everyMs);
  }
  sink.end();
}

describe.each(['rest', 's3'] as const)('a store that drips (%s)', (kind) => {
  test.each([
    ['the content of a key', 'load', KEY],
    ['the configuration', 'load', CONFIG],
  ] as const)('%s is given up, with the speed that was measured', async (_what, call, file) => {
    await using store = await aStore(async (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      await drip(response, 40);
    });
    const error: unknown = await store[kind][call](file, undefined, never).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'backend.failed',
      message: expect.stringMatching(
        /the answer comes too slowly, with \d+ B a second over \d+ s; 1(\.0)? KiB a second/,
      ) as unknown,
      advice: 'Look for what slows the store or the line to it down, then start again.',
    });
  });

  test('a listing is given up', async () => {
    await using store = await aStore(async (response) => {
      response.writeHead(200);
      await drip(response, 40);
    });
    await expect(Array.fromAsync(store[kind].list('snapshots', never))).rejects.toThrow('too slowly');
  });

  test('the head of an answer is given up, too', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined).resume());
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
      void drip(socket, 20);
    });
    const port = await listening(server);
    await using store = backendsAt(port, () => sockets.forEach((socket) => socket.destroy()), server);
    await expect(store[kind].load(KEY, undefined, never)).rejects.toThrow('too slowly');
  });
});

test('small answers that take their time one by one are given up as well', async () => {
  await using store = await aStore(async (response) => {
    response.writeHead(200, { 'content-length': '60' });
    for (let at = 0; at < 60 && !response.destroyed; at += 1) {
      response.write('x');
      await delay(20);
    }
    response.end();
  });
  const loads = async (): Promise<void> => {
    for (let file = 0; file < 100; file += 1) await store.rest.load(KEY, undefined, never);
  };
  await expect(loads()).rejects.toThrow('too slowly');
});

describe('a slow store is waited for', () => {
  /** Twelve times the floor, for several times as long as the speed is measured. */
  test('that gets on, whatever shares the line', async () => {
    await using store = await aStore(async (response) => {
      response.writeHead(200, { 'content-length': String(20 * 1250) });
      for (let piece = 0; piece < 20; piece += 1) {
        response.write(Buffer.alloc(1250));
        await delay(100);
      }
      response.end();
    });
    const loads = await Promise.all([1, 2, 3].map(() => store.rest.load(KEY, undefined, never)));
    expect(loads.map(({ length }) => length)).toEqual([25_000, 25_000, 25_000]);
  });

  test('that thinks before it answers', async () => {
    await using store = await aStore(async (response) => {
      await delay(SLOWNESS_MS * 3);
      response.end('there');
    });
    expect(String(await store.rest.load(KEY, undefined, never))).toBe('there');
  });

  test('where our own limit of speed is what slows it down', async () => {
    // A clock of its own makes the waits of the limit short; an answer of 32 KiB in pieces waits for half a minute of them.
    await using store = await aStore(async (response) => {
      for (let piece = 0; piece < 32; piece += 1) response.write(Buffer.alloc(1024));
      response.end();
    }, 1);
    expect((await store.rest.load(KEY, undefined, never)).length).toBe(32 * 1024);
  });
});
