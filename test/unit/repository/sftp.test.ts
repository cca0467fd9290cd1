/** What the backend makes of refusals that OpenSSH's server does not give, or only on a bad day. */
import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import { REQUEST, STATUS } from '../../../shared/remote/sftp/packets.ts';
import { SftpPool } from '../../../shared/remote/sftp/sftp-pool.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { createThrottle } from '../../../shared/repository/backend/limit.ts';
import { createSftpBackend } from '../../../shared/repository/backend/sftp.ts';
import { type OddFiles, type OddServer, oddSftpServer } from '../../support/remote/odd-sftp-server.ts';
import { TestClock } from '../../support/test-clock.ts';

const signal = AbortSignal.timeout(30_000);
const content = randomBytes(200_000);
const file = { type: 'data', name: createHash('sha256').update(content).digest('hex') } as const;
const target = `/repo/data/${file.name.slice(0, 2)}/${file.name}`;

describe('over SFTP', () => {
  let files: OddFiles;
  let servers: OddServer[];
  let backend: Backend;

  function open(more: Partial<Parameters<typeof createSftpBackend>[0]> = {}): Backend {
    const line = {
      start: async () => {
        const server = oddSftpServer(files);
        servers.push(server);
        return server.process;
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const pool = new SftpPool({ host: 'odd', line, connections: 1, clock: systemClock });
    return createSftpBackend({ folder: '/repo', location: 'sftp:odd:/repo', ...more }, pool);
  }

  beforeEach(async () => {
    files = new Map([['/', undefined]]);
    servers = [];
    backend = open();
    await backend.prepare(signal);
  });

  const names = (): string[] => [...files].filter(([, bytes]) => bytes !== undefined).map(([name]) => name);

  test('a folder that holds other files gets no repository, and one with the remains of an init does', async () => {
    for (const name of ['/etc/', '/etc/passwd', '/cut/', '/cut/keys/', '/cut/data/', '/cut/.trash/']) {
      files.set(name.replace(/\/$/, ''), name.endsWith('/') ? undefined : content);
    }
    const before = [...files.keys()];
    await expect(open({ folder: '/etc', location: 'sftp:odd:/etc' }).prepare(signal)).rejects.toMatchObject({
      code: 'usage.invalid',
      message: 'The folder sftp:odd:/etc is not empty: it holds "passwd".',
      retry: 'never',
    });
    expect([...files.keys()]).toEqual(before);
    await open({ folder: '/cut' }).prepare(signal);
    expect(files.has('/cut/snapshots')).toBe(true);
  });

  test('where no folder can be made, another location is the advice', async () => {
    const another = open({ folder: '/proc/none', location: 'sftp:odd:/proc/none' });
    await another.stat({ type: 'config', name: '' }, signal).catch(() => undefined);
    servers.at(-1)?.refusals.push({ type: REQUEST.mkdir, status: STATUS.noSuchFile, left: 9 });
    await expect(another.prepare(signal)).rejects.toMatchObject({
      message: 'A repository could not be made in sftp:odd:/proc/none: no folder can be made there.',
      advice: 'Choose another location, in a folder in which you can make folders.',
      retry: 'never',
    });
  });

  test.each<[string, number, string, string]>([
    ['no space', STATUS.noSpace, 'backend.no-space', 'never'],
    ['no quota', STATUS.quotaExceeded, 'backend.no-space', 'never'],
    ['a write-protected disk', STATUS.writeProtected, 'backend.denied', 'never'],
    ['permission denied', STATUS.permissionDenied, 'backend.denied', 'never'],
    ['a failure', STATUS.failure, 'backend.failed', 'maybe'],
  ])('a write that ends with %s is said so, and leaves nothing', async (_what, status, code, retry) => {
    for (const type of [REQUEST.write, REQUEST.close, REQUEST.rename]) {
      const [server] = servers;
      server?.refusals.push({ type, status, left: 1 });
      await expect(backend.save(file, [content], signal)).rejects.toMatchObject({ code, retry });
    }
    expect(servers[0]?.refused).toBe(3);
    expect(names()).toEqual([]);
    await backend.save(file, [content], signal);
    expect(names()).toEqual([target]);
  });

  test('a file of the same bytes that is there stays, and one of other bytes is replaced', async () => {
    await backend.save(file, [content], signal);
    const before = files.get(target);
    await backend.save(file, [content], signal);
    expect(files.get(target)).toBe(before);
    for (const damaged of [Buffer.alloc(content.length), content.subarray(1), Buffer.alloc(0)]) {
      files.set(target, damaged);
      await backend.save(file, [content.subarray(0, 7), content.subarray(7)], signal);
      expect(files.get(target)?.equals(content)).toBe(true);
      expect(names()).toEqual([target]);
    }
  });

  test('what a lost connection left behind is taken away by the next save', async () => {
    const [server] = servers;
    server?.process.stdin.on('data', () => {
      // The temporary file is there, and the server does not answer any more.
      if (names().length > 0) server.end({ code: undefined, signal: undefined });
    });
    await expect(backend.save(file, [content], signal)).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    expect(names()).toEqual([expect.stringMatching(/-tmp-[0-9a-f]{12}$/) as string]);
    await backend.save(file, [content], signal);
    expect(names()).toEqual([target]);
    expect(servers).toHaveLength(2);
  });

  test('each piece waits for the bandwidth', async () => {
    const clock = new TestClock();
    const throttle = createThrottle({ uploadKiBps: 20, downloadKiBps: 40 }, clock);
    const slow = open({ throttle });
    const started = clock.ms;
    await slow.save(file, [content], signal);
    const up = clock.ms - started;
    // 195 KiB, of which a second's worth was free and the last piece is owed; the pieces are 32 KiB.
    expect(up).toBeGreaterThan(6000);
    expect(up).toBeLessThan(10_000);
    await slow.load(file, undefined, signal);
    expect(clock.ms - started - up).toBeGreaterThan(2000);
    expect(clock.sleeps.length).toBeGreaterThan(6);
  });
});
