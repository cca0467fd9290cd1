/** The packets of SFTP and one conversation, with a server that can misbehave. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import {
  PacketReader,
  PacketSplitter,
  packet,
  REPLY,
  text,
  uint32,
  uint64,
} from '../../../shared/remote/sftp/packets.ts';
import { SftpClient } from '../../../shared/remote/sftp/sftp-client.ts';
import { SftpPool } from '../../../shared/remote/sftp/sftp-pool.ts';
import { oddSftpServer } from '../../support/remote/odd-sftp-server.ts';
import { TestClock } from '../../support/test-clock.ts';

describe('packets', () => {
  test('come out whole, however the stream was cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });
    fc.assert(
      fc.property(bodies, cuts, (all, sizes) => {
        const stream = Buffer.concat(all.map((body) => packet(7, [body])));
        const splitter = new PacketSplitter(100);
        const found: Buffer[] = [];
        for (let at = 0, n = 0; at < stream.length; n += 1) {
          const size = sizes[n % sizes.length] ?? 1;
          found.push(...(splitter.push(stream.subarray(at, at + size)) ?? []));
          at += size;
        }
        expect(found.map((body) => [body[0], body.subarray(1).toString('hex')])).toEqual(
          all.map((body) => [7, Buffer.from(body).toString('hex')]),
        );
      }),
    );
  });

  test('that are too long or empty are none', () => {
    expect(new PacketSplitter(100).push(Buffer.from('Welcome to this host'))).toBeUndefined();
    expect(new PacketSplitter(100).push(uint32(0))).toBeUndefined();
  });

  test('give fields back, and an error instead of what is not there', () => {
    const all = Buffer.concat([uint64(2 ** 40), text('name'), uint32(0x8000000d), uint64(7), uint32(0o644)]);
    const times = Buffer.concat([uint32(1), uint32(2)]);
    const extended = Buffer.concat([uint32(1), text('a@b'), text('c')]);
    const reader = new PacketReader(Buffer.concat([all, times, extended]));
    expect([reader.uint64(), reader.text()]).toEqual([2 ** 40, 'name']);
    expect(reader.attributes()).toEqual({ sizeBytes: 7, mode: 0o644 });
    expect(reader.isAtEnd).toBe(true);
    expect(() => reader.uint8()).toThrow(RangeError);
    expect(() => new PacketReader(uint32(9)).bytes()).toThrow(RangeError);
  });
});

describe('a conversation', () => {
  test('ends for everybody when the server ends, with what it said', async () => {
    const server = oddSftpServer(new Map([['/', undefined]]));
    const client = await SftpClient.open('nas', server.process, never);
    server.process.stderr.push('quota exceeded\n');
    const asked = [client.stat('/'), client.stat('/a')].map((answer) => answer.catch((error: unknown) => error));
    server.end({ code: 3, signal: undefined });
    const lost = {
      code: 'ssh.connection-lost',
      retry: 'maybe',
      message: expect.stringMatching(/ended with code 3\. It said: "quota exceeded"/) as string,
    };
    for (const error of await Promise.all(asked)) expect(error).toMatchObject(lost);
    expect(client.isOver).toBe(true);
    await expect(client.stat('/')).rejects.toMatchObject(lost);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['text', Buffer.from('bash: warning: '), /disturbed by other text: "bash: warning: "/],
    [
      'an answer that nobody asked for',
      packet(REPLY.status, [uint32(99), uint32(0)]),
      /request 99, which nobody asked/,
    ],
    ['half an answer', packet(REPLY.status, [Buffer.from('x')]), /ends before its field/],
  ])('ends at %s', async (_what, bytes, words) => {
    const server = oddSftpServer();
    const client = await SftpClient.open('nas', server.process, never);
    server.say(bytes);
    await expect.poll(() => client.isOver).toBe(true);
    await expect(client.stat('/')).rejects.toMatchObject({
      code: 'ssh.noise',
      message: expect.stringMatching(words) as string,
    });
  });

  test('that is given up while the server is silent ends with the reason', async () => {
    const { process } = oddSftpServer();
    process.stdin.removeAllListeners('data');
    const stop = new AbortController();
    const opening = SftpClient.open('nas', process, stop.signal);
    stop.abort(new Error('stop'));
    await expect(opening).rejects.toThrow('stop');
    await expect(process.exited).resolves.toMatchObject({ signal: 'TERM' });
  });
});

describe('the channels of a host', () => {
  function pool(most: number, clock: Clock = systemClock) {
    const servers: ReturnType<typeof oddSftpServer>[] = [];
    let isClosed = false;
    const line = {
      start: async () => {
        if (servers.length >= most) return undefined;
        const server = oddSftpServer(new Map([['/', undefined]]));
        servers.push(server);
        return server.process;
      },
      async [Symbol.asyncDispose]() {
        isClosed = true;
      },
    };
    return {
      servers,
      isClosed: () => isClosed,
      pool: new SftpPool({ host: 'nas', line, connections: 3, clock }),
    };
  }

  test('are opened as they are needed, one for each user', async () => {
    const { pool: channels, servers, isClosed } = pool(10);
    await using all = channels;
    await all.use(never, (client) => client.stat('/'));
    await all.use(never, (client) => client.stat('/'));
    expect(servers).toHaveLength(1);
    await Promise.all(Array.from({ length: 7 }, () => all.use(never, (client) => client.stat('/'))));
    expect(servers.length).toBeLessThanOrEqual(3);
    await all[Symbol.asyncDispose]();
    expect(isClosed()).toBe(true);
    for (const { process } of servers) await expect(process.exited).resolves.toMatchObject({ signal: 'TERM' });
  });

  test('are shared where the server allows fewer', async () => {
    const { pool: channels, servers } = pool(1);
    await using all = channels;
    let most = 0;
    let users = 0;
    const use = () =>
      all.use(never, async (client) => {
        most = Math.max(most, ++users);
        await client.stat('/');
        users -= 1;
      });
    await Promise.all(Array.from({ length: 6 }, use));
    expect([servers.length, most]).toEqual([1, 3]);
  });

  test('are opened anew when they ended', async () => {
    const { pool: channels, servers } = pool(10);
    await using all = channels;
    await all.use(never, (client) => client.stat('/'));
    servers[0]?.end({ code: 1, signal: undefined });
    await expect
      .poll(() =>
        all
          .use(never, (client) => client.stat('/'))
          .then(
            () => servers.length,
            () => 0,
          ),
      )
      .toBe(2);
  });

  test('that are never allowed are an error, after some patience', async () => {
    const clock = new TestClock();
    const { pool: channels } = pool(0, clock);
    await using all = channels;
    await expect(all.use(never, async () => undefined)).rejects.toMatchObject({
      code: 'ssh.noise',
      message: expect.stringContaining('does not offer file transfer') as string,
    });
    expect(clock.sleeps).toEqual([20, 100, 500, 2000]);
  });
});
