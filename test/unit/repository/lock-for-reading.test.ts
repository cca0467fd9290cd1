/** Reading needs no writing: what becomes of the lock where the place takes none. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import type { ErrorCode } from '../../../shared/base/error-codes.ts';
import { isStillpointError, StillpointError } from '../../../shared/base/errors.ts';
import { check, verify } from '../../../shared/pipeline/verify.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { createSftpBackend } from '../../../shared/repository/backend/sftp.ts';
import { LOCK_TIMES } from '../../../shared/repository/locks/judge-lock.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryNotice } from '../../../shared/repository/repository.ts';
import { mountTmpfs } from '../../lab/tmpfs.ts';
import { sftpServers, whyNoSftpServer } from '../../support/remote/sftp-server.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD } from '../../support/test-repository.ts';

let notices: RepositoryNotice[];
beforeEach(() => {
  notices = [];
});

function open(backend: Backend, clock: Clock = systemClock): Promise<OpenedRepository> {
  return openRepository(backend, PASSWORD, never, { clock, onNotice: (notice) => notices.push(notice) });
}

function failing(backend: Backend, call: 'save' | 'list' | 'remove', code: ErrorCode): Backend {
  return new Proxy(backend, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (key !== call) return value.bind(target) as unknown;
      return (file: unknown, ...rest: unknown[]) => {
        const type = typeof file === 'string' ? file : (file as { readonly type: string }).type;
        if (type !== 'locks') return value.call(target, file, ...rest) as unknown;
        const error = new StillpointError(code, `No ${call} here.`, { advice: '', cause: undefined });
        return call === 'list' ? broken(error) : refuse(error);
      };
    },
  });
}

function refuse(error: Error): Promise<never> {
  return Promise.reject(error);
}

function broken(error: Error): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => refuse(error) }) };
}

describe('a lock for reading', () => {
  it('is a shared one where it can be taken, and says nothing', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    {
      await using lock = await (await open(backend)).lockForReading(never);
      expect(lock.absence).toBeUndefined();
      expect(await repository.files.listNames('locks', never)).toHaveLength(1);
      await expect(repository.lock('exclusive', never)).rejects.toMatchObject({ code: 'repository.locked' });
    }
    expect(await repository.files.listNames('locks', never)).toEqual([]);
    expect(notices).toEqual([]);
  });

  it.each<['save' | 'list', ErrorCode]>([
    ['save', 'backend.denied'],
    ['save', 'backend.no-space'],
    ['save', 'backend.failed'],
    ['list', 'backend.denied'],
  ])('is none where %s ends with %s, which is said', async (call, code) => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    const repository = await open(failing(backend, call, code));
    await using lock = await repository.lockForReading(never, { noLock: false });
    expect(lock.absence).toContain(`is read without a lock, since none can be taken. No ${call} here.`);
    expect(notices).toEqual([
      expect.objectContaining({
        code: 'repository.no-lock',
        advice: expect.stringContaining('never in wrong data') as string,
      }),
    ]);
    // Who writes has to have one.
    await expect(repository.lock('shared', never)).rejects.toMatchObject({ code });
    await expect(repository.lock('exclusive', never)).rejects.toMatchObject({ code });
  });

  it.each<ErrorCode>(['ssh.connection-lost', 'backend.untrusted'])(
    'is missed where the place fails with %s',
    async (code) => {
      const backend = createMemoryBackend();
      await createTestRepository(backend);
      const repository = await open(failing(backend, 'save', code));
      await expect(repository.lockForReading(never)).rejects.toMatchObject({ code });
    },
  );

  it('is not taken where a person says so, not even against a prune', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    await using _prune = await repository.lock('exclusive', never);
    const reader = await open(backend);
    await expect(reader.lockForReading(never, { noLock: false })).rejects.toMatchObject({
      code: 'repository.locked',
      advice: expect.stringContaining('add --no-lock') as string,
    });
    await expect(reader.lockForReading(never)).rejects.toMatchObject({
      advice: expect.not.stringContaining('--no-lock') as string,
    });
    await using lock = await reader.lockForReading(never, { noLock: true });
    expect(lock.absence).toContain('as asked.');
    expect(await repository.files.listNames('locks', never)).toHaveLength(1);
  });

  it('is not taken when somebody cancels', async () => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    const repository = await open(failing(backend, 'save', 'backend.denied'));
    await expect(repository.lockForReading(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(notices).toEqual([]);
  });
});

describe('a lock for reading that is lost', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(['stop', 'go on'] as const)('lets reading %s', async (whenLost) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let ms = Date.UTC(2026, 0, 1);
    const clock: Clock = { ...systemClock, now: () => new Date(ms), sleep: () => Promise.resolve() };
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    const repository = await open(backend, clock);
    await using lock = await repository.lockForReading(never, { whenLost });
    ms += LOCK_TIMES.lostMs + 1;
    await vi.advanceTimersByTimeAsync(LOCK_TIMES.tickMs);
    await vi.waitFor(() => expect(lock.signal.aborted || notices.length > 0).toBe(true));
    expect(lock.signal.aborted).toBe(whenLost === 'stop');
    expect(notices.map(({ code }) => code)).toEqual(whenLost === 'stop' ? [] : ['repository.lock-lost']);
  });
});

describe('a check', () => {
  it('says in its report that it looked without a lock', async () => {
    const backend = createMemoryBackend();
    await backUp(await createTestRepository(backend), { a: 'a' });
    const ports = {
      openRepository: () => open(failing(backend, 'save', 'backend.no-space')),
      clock: systemClock,
      emit: () => undefined,
    };
    for (const report of [await check(ports, {}, never), await verify(ports, {}, never)])
      expect(report.findings).toEqual([
        expect.objectContaining({
          severity: 'information',
          message: expect.stringContaining('without a lock') as string,
        }),
      ]);
    const asked = await check({ ...ports, openRepository: () => open(backend) }, { noLock: true }, never);
    expect(asked.findings.map(({ message }) => message)).toEqual([expect.stringContaining('as asked')]);
    const held = await check({ ...ports, openRepository: () => open(backend) }, {}, never);
    expect(held.findings).toEqual([]);
  });
});

describe('a real place that takes no lock', () => {
  /** Why there was no lock, how many names the root holds, and what a writer is answered. */
  async function readFrom(backend: Backend) {
    const repository = await open(backend);
    await using lock = await repository.lockForReading(never);
    await repository.loadIndex(never);
    const point = await repository.findRestorePoint('latest', never);
    const names = (await repository.loadTree(point.tree, never)).nodes.length;
    const writer: unknown = await repository.lock('shared', never).catch((error: unknown) => error);
    return { absence: lock.absence, names, code: isStillpointError(writer) ? writer.code : writer };
  }

  const read = (code: ErrorCode) => ({
    absence: expect.stringContaining('without a lock') as string,
    names: 1,
    code,
  });

  it('a folder that is mounted read-only', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'mounting needs root');
    await using folder = await temporaryFolder();
    const root = join(folder.path, 'repository');
    await backUp(await createTestRepository(createLocalBackend(root)), { a: 'a' });
    await execa('mount', ['--bind', root, root]);
    try {
      await execa('mount', ['-o', 'remount,bind,ro', root]);
      expect(await readFrom(createLocalBackend(root))).toEqual(read('backend.denied'));
    } finally {
      await execa('umount', [root]);
    }
  });

  it.for<[what: string, size: { readonly sizeBytes: number; readonly inodes?: number }]>([
    ['bytes', { sizeBytes: 3_000_000 }],
    ['inodes', { sizeBytes: 3_000_000, inodes: 290 }],
  ])('a disk that is full of %s', async ([_what, size], { skip }) => {
    skip(process.getuid?.() !== 0, 'mounting needs root');
    await using disk = await mountTmpfs(size);
    const root = join(disk.path, 'repository');
    await backUp(await createTestRepository(createLocalBackend(root)), { a: 'a' });
    const fill = 'i=0; while : > "fill-$i" && head -c 4096 /dev/zero > "fill-$i"; do i=$((i+1)); done';
    await execa('sh', ['-c', fill], { cwd: disk.path, reject: false });
    expect(await readFrom(createLocalBackend(root))).toEqual(read('backend.no-space'));
  });

  it('a folder without its folder of locks, which a writer makes again', async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, 'repository');
    await backUp(await createTestRepository(createLocalBackend(root)), { a: 'a' });
    await rm(join(root, 'locks'), { recursive: true });
    await using lock = await (await open(createLocalBackend(root))).lock('exclusive', never);
    expect(lock.mode).toBe('exclusive');
  });

  it('an SFTP server that only lets read', async ({ skip }) => {
    const whyNot = whyNoSftpServer();
    skip(whyNot !== undefined, whyNot);
    await using folder = await temporaryFolder();
    const root = join(folder.path, 'repository');
    await backUp(await createTestRepository(createLocalBackend(root)), { a: 'a' });
    await using backend = createSftpBackend(
      { folder: root, location: `sftp:here:${root}` },
      sftpServers({ args: ['-R'] }).pool,
    );
    expect(await readFrom(backend)).toEqual(read('backend.denied'));
  });
});
