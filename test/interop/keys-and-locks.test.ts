/**
 * Passwords and locks together with restic 0.14: each side opens, lists and removes the other's keys, and each side
 * stays out where the other one is alone. restic's processes are real and are stopped in the middle of their work.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { addKey, changeKey, listKeys, removeKey } from '../../shared/repository/keys.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { needing } from '../support/needing.ts';
import { NO_RESTIC, restic, resticFinds, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, CHEAP_KEY, createTestRepository, PASSWORD } from '../support/test-repository.ts';

const signal = AbortSignal.timeout(5 * 60_000);
const cheap = { keyCost: CHEAP_KEY };
const locked: unknown = expect.objectContaining({ code: 'repository.locked' });

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());
const place = (name: string): string => join(folder.path, name);

describe('keys', needing(NO_RESTIC), () => {
  const opens = async (path: string, password: string): Promise<boolean> => {
    const { exitCode } = await execa('restic', ['--no-cache', '--repo', path, 'cat', 'config'], {
      env: { RESTIC_PASSWORD: password },
      reject: false,
    });
    return exitCode === 0;
  };
  const file = async (password: string): Promise<string> => {
    await writeFile(place('password'), password);
    return place('password');
  };

  it('that we add, change and remove are those that restic opens with', async () => {
    const path = place('our-keys');
    await using repository = await createTestRepository(createLocalBackend(path));
    const second = await addKey(repository, 'second', signal, cheap);
    expect([await opens(path, PASSWORD), await opens(path, 'second')]).toEqual([true, true]);
    const listed = JSON.parse(await resticOk(path, 'key', 'list', '--json')) as { id: string; current: boolean }[];
    const ours = (await listKeys(repository, signal)).keys;
    const inUse = new Map(ours.map((key) => [key.id.slice(0, 8), key.inUse]));
    expect(new Map(listed.map(({ id, current }) => [id, current]))).toEqual(inUse);

    await changeKey(repository, 'changed', signal, cheap);
    expect([await opens(path, PASSWORD), await opens(path, 'changed')]).toEqual([false, true]);
    await removeKey(repository, second.slice(0, 8), signal);
    expect([await opens(path, 'second'), await opens(path, 'changed')]).toEqual([false, true]);
  });

  it('that restic adds, changes and removes are those that we open with', async () => {
    const path = place('their-keys');
    await using repository = await createTestRepository(createLocalBackend(path));
    await resticOk(path, 'key', 'add', '--new-password-file', await file('second'), '--user', 'ada', '--host', 'nas');
    const { keys } = await listKeys(repository, signal);
    expect(keys.map(({ inUse }) => inUse)).toEqual([true, false]);
    expect(keys[1]).toMatchObject({ username: 'ada', hostname: 'nas' });
    await using again = await openRepository(createLocalBackend(path), 'second', signal);
    expect(again.id).toBe(repository.id);

    await resticOk(path, 'key', 'passwd', '--new-password-file', await file('third'));
    await expect(openRepository(createLocalBackend(path), PASSWORD, signal)).rejects.toMatchObject({
      code: 'repository.wrong-password',
    });
    await using third = await openRepository(createLocalBackend(path), 'third', signal);
    await removeKey(third, keys[1]?.id ?? '', signal);
    await expect(openRepository(createLocalBackend(path), 'second', signal)).rejects.toMatchObject({
      code: 'repository.wrong-password',
    });
    // restic removed the key with which this one was opened: it may not remove the last one.
    await expect(removeKey(repository, third.parts.keyName, signal)).rejects.toThrow('no longer there');
  });
});

describe('locks', needing(NO_RESTIC), () => {
  /** A restic at work that has its lock; `hold` stops it there. */
  async function start(path: string, args: readonly string[], hold: boolean): Promise<ChildProcess> {
    const before = new Set(await readdir(join(path, 'locks')));
    const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
    const child = spawn('restic', ['--no-cache', '--repo', path, ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const hasLock = async (): Promise<boolean> =>
      (await readdir(join(path, 'locks'))).some((name) => /^[0-9a-f]{64}$/.test(name) && !before.has(name));
    while (!(await hasLock())) {
      expect(child.exitCode).toBeNull();
      await wait(2);
    }
    if (hold) child.kill('SIGSTOP');
    return child;
  }
  const exclusive = async (repository: OpenedRepository): Promise<void> => {
    await using lock = await repository.lock('exclusive', signal);
    lock.assertHeld();
  };

  it('that are shared: restic and we back up at the same time, and both restore points are whole', async () => {
    const path = place('together');
    await using repository = await createTestRepository(createLocalBackend(path));
    const slow = await start(path, ['backup', '--stdin', '--stdin-filename', 'slow.bin', '--json'], false);
    const content = randomBytes(3 * 1024 * 1024);
    slow.stdin?.write(content.subarray(0, 1024 * 1024));

    const error = await repository.lock('exclusive', signal).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain(`is in use by process ${slow.pid} of`);
    expect((await repository.unlock('stale', signal)).removed).toEqual([]);
    const ours = await backUp(repository, { etc: { hosts: 'localhost' } });

    const ended = once(slow, 'close');
    slow.stdin?.end(content.subarray(1024 * 1024));
    expect(await ended).toEqual([0, null]);
    expect(await resticFinds(path, '--read-data')).toEqual([]);
    expect(await resticOk(path, 'dump', ours.id, '/etc/hosts')).toBe('localhost');
    const dumped = await execa('restic', ['--no-cache', '--repo', path, 'dump', 'latest', 'slow.bin'], {
      env: { RESTIC_PASSWORD: PASSWORD },
      encoding: 'buffer',
    });
    expect(Buffer.from(dumped.stdout).equals(content)).toBe(true);
    await exclusive(repository);
  });

  it('of ours keep restic from what needs the repository alone', async () => {
    const path = place('ours');
    await using repository = await createTestRepository(createLocalBackend(path));
    await backUp(repository, { a: 'a' });
    {
      await using _lock = await repository.lock('shared', signal);
      expect((await restic(path, 'prune')).stderr).toContain('already locked');
      expect((await restic(path, 'unlock')).exitCode).toBe(0);
      expect((await repository.files.listNames('locks', signal)).length).toBe(1);
    }
    {
      await using _lock = await repository.lock('exclusive', signal);
      for (const verb of [['backup', '/etc/hostname'], ['prune'], ['snapshots']]) {
        expect((await restic(path, ...verb)).stderr).toContain('already locked exclusively');
      }
    }
    expect(await resticFinds(path)).toEqual([]);
  });

  it('of a living restic that is alone keep us out, and only a dead one is unlocked', async () => {
    const path = place('theirs');
    await using repository = await createTestRepository(createLocalBackend(path));
    await backUp(repository, { a: 'a' });
    const alone = await start(path, ['prune'], true);
    try {
      for (const mode of ['shared', 'exclusive'] as const) {
        const error = await repository.lock(mode, signal).catch((thrown: unknown) => thrown);
        expect(error).toEqual(locked);
        expect((error as Error).message).toContain(`locked for exclusive use by process ${alone.pid} of`);
      }
      const { removed, kept } = await repository.unlock('stale', signal);
      expect(removed).toEqual([]);
      expect(kept.map(({ owner }) => [owner?.pid, owner?.exclusive])).toEqual([[alone.pid, true]]);
    } finally {
      alone.kill('SIGKILL');
      await once(alone, 'close');
    }
    await expect(repository.lock('shared', signal)).rejects.toEqual(locked);
    const { removed } = await repository.unlock('stale', signal);
    expect(removed.map(({ owner, reason }) => [owner?.pid, reason])).toEqual([
      [alone.pid, `its process ${alone.pid} on this machine is gone`],
    ]);
    await exclusive(repository);
  });
});
