/** Reading needs no writing: the commands that read, on places, states and caches that take nothing. */
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { beforeEach, describe, expect, test } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { mountTmpfs } from '../lab/tmpfs.ts';
import { CLI, type InstalledUser, installedUser } from '../support/installed-user.ts';
import { needing, whyNotRoot } from '../support/needing.ts';
import { backUp } from '../support/test-repository.ts';

const WARNING = 'read without a lock';

// A busy machine takes seconds for each of the many commands.
let signal: AbortSignal;
beforeEach(() => {
  signal = AbortSignal.timeout(220_000);
});

type Environment = Readonly<Record<string, string>>;

async function run(words: readonly string[], env: Environment) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [CLI, ...words], {
    ...{ cwd: '/', env, extendEnv: false, stdin: 'ignore', reject: false, cancelSignal: signal },
  });
  signal.throwIfAborted();
  return { exitCode, stdout, stderr };
}

async function fill(user: InstalledUser): Promise<readonly string[]> {
  await user.makeRepository();
  const password = (await readFile(join(user.home, 'password'), 'utf8')).trim();
  await using repository = await openRepository(createLocalBackend(user.repository), password, signal);
  const ids: string[] = [];
  for (const text of ['one', 'two'])
    ids.push((await backUp(repository, { srv: { 'a.txt': text.repeat(1000) } }, {}, signal)).id);
  return ids;
}

/** Those that take no lock have nothing to warn of. */
const LOCKLESS = [['list'], ['ls', 'latest', '/srv'], ['find', '*.txt'], ['stats'], ['list', '--no-lock']] as const;

async function expectAllReads(env: Environment, ids: readonly string[], target: string): Promise<void> {
  for (const words of [...LOCKLESS, ['diff', ...ids]])
    expect([words, await run(words, env)]).toEqual([words, expect.objectContaining({ exitCode: 0, stderr: '' })]);
  for (const words of [['check'], ['verify'], ['restore', 'latest', '--to', target]]) {
    const ended = await run(words, env);
    expect([words, ended.exitCode, ended.stderr]).toEqual([words, 0, expect.stringContaining(WARNING)]);
  }
  expect(await readdir(join(target, 'srv'))).toEqual(['a.txt']);
}

describe('a repository that takes no lock', needing(whyNotRoot('mounts')), () => {
  test('because it is mounted read-only, is read by every command that reads, and written to by none', async () => {
    await using user = await installedUser();
    const ids = await fill(user);
    await execa('mount', ['--bind', user.repository, user.repository]);
    try {
      await execa('mount', ['-o', 'remount,bind,ro', user.repository]);
      await expectAllReads(user.environment, ids, join(user.home, 'restored'));
      for (const words of [
        ['forget', '--keep-last', '1', '--apply'],
        ['prune', '--apply'],
        ['key', 'add', 'main'],
      ]) {
        const ended = await run(words, user.environment);
        expect([words, ended.exitCode]).toEqual([words, words[0] === 'key' ? expect.any(Number) : 6]);
        expect(ended.exitCode).not.toBe(0);
      }
      const { exitCode, stderr } = await run(['prune'], user.environment);
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
    } finally {
      await execa('umount', [user.repository]);
    }
  });

  test('because its disk is full, and the home on it is too, is read', async () => {
    await using user = await installedUser();
    await using disk = await mountTmpfs({ sizeBytes: 4_000_000 });
    await mkdir(join(disk.path, 'state'));
    await symlink(join(disk.path, 'repository'), user.repository);
    await mkdir(join(disk.path, 'repository'));
    const ids = await fill(user);
    const env = { ...user.environment, XDG_STATE_HOME: join(disk.path, 'state'), XDG_CACHE_HOME: disk.path };
    await execa('sh', ['-c', 'head -c 5000000 /dev/zero > fill'], { cwd: disk.path, reject: false });
    await expectAllReads(env, ids, join(user.home, 'restored'));
    const restored = await run(['restore', 'latest', '--to', join(user.home, 'again')], env);
    expect(restored.stderr).toContain('This job is kept in ');
    expect(restored.stderr).toContain('(ENOSPC)');
  });
});

describe('a user who can keep nothing', () => {
  test('restores, verifies and checks, and nothing is left of their jobs', async () => {
    await using user = await installedUser();
    await fill(user);
    const temporary = join(user.home, 'tmp');
    await mkdir(temporary);
    // No folder can be made below a file, for root neither.
    const nowhere = join(user.home, 'password', 'state');
    const env = { ...user.environment, TMPDIR: temporary, XDG_STATE_HOME: nowhere, XDG_CACHE_HOME: nowhere };
    for (const words of [['check'], ['verify'], ['restore', 'latest', '--to', join(user.home, 'restored')]]) {
      const { exitCode, stderr } = await run(words, env);
      expect([words, exitCode, stderr]).toEqual([words, 0, expect.stringContaining('This job is kept in ')]);
    }
    expect(await readdir(temporary)).toEqual([]);
    for (const words of LOCKLESS)
      expect([words, await run(words, env)]).toEqual([words, expect.objectContaining({ exitCode: 0, stderr: '' })]);
    const backup = await run(['prune', '--apply'], env);
    expect(backup).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[job.store-unusable]') as string });
    await rm(temporary, { recursive: true });
    const nothing = await run(['check'], env);
    expect(nothing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('TMPDIR') as string });
  });

  test('needs no HOME', async () => {
    await using user = await installedUser();
    await fill(user);
    const { HOME: _, ...rest } = user.environment;
    const env = { ...rest, XDG_STATE_HOME: join(user.home, 'state') };
    const words = ['--config', user.configFile];
    expect(await run([...words, 'ls', 'latest', '/srv'], env)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await run([...words, 'restore', 'latest', '--to', join(user.home, 'restored')], env)).toMatchObject({
      exitCode: 0,
    });
  });
});
