/** Whose locks are removed without asking, and whose are not: with real processes that are killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { beforeEach, describe, expect, it } from 'vitest';
import { StillpointError } from '../../../shared/base/errors.ts';
import { identifyProcess, type ProcessIdentity } from '../../../shared/base/process-identity.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { encodeLock, type LockFile, type LockHolder } from '../../../shared/repository/format/lock-file.ts';
import { createRepository, openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RepositoryNotice } from '../../../shared/repository/repository.ts';
import { timestampFromDate } from '../../../shared/repository/timestamp.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { CHEAP_KEY, createTestRepository, PASSWORD } from '../../support/test-repository.ts';

const signal = AbortSignal.timeout(60_000);
const MINUTE = 60_000;
const GONE_PID = 2 ** 22 - 1;

let backend: Backend;
let repository: OpenedRepository;
let notices: RepositoryNotice[];
let self: ProcessIdentity;

beforeEach(async () => {
  backend = createMemoryBackend();
  await (await createRepository(backend, PASSWORD, signal, { keyCost: CHEAP_KEY })).close();
  notices = [];
  repository = await openRepository(backend, PASSWORD, signal, { onNotice: (notice) => notices.push(notice) });
  const found = await identifyProcess();
  if (found === undefined) throw new Error('this process is not found');
  self = found;
});

function plant(lock: Partial<LockFile>, ageMs = MINUTE): Promise<string> {
  const time = timestampFromDate(new Date(Date.now() - ageMs));
  const full = { time, exclusive: true, hostname: hostname(), username: 'ada', pid: GONE_PID, uid: 0, gid: 0 };
  return repository.files.save('locks', encodeLock({ ...full, ...lock }), signal);
}

const names = (): Promise<string[]> => repository.files.listNames('locks', signal);
const holder = (change: Partial<LockHolder> = {}): LockHolder => {
  const { start, boot, namespace, machine } = self;
  return { start, boot, namespace, machine, ...change };
};

async function startChild(): Promise<{ readonly child: ChildProcess; readonly identity: ProcessIdentity }> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  const identity = await identifyProcess(child.pid);
  if (identity === undefined) throw new Error('not found');
  return { child, identity };
}

describe('a lock of ours', () => {
  it('says enough of its holder, and restic passes over that', async () => {
    await using _lock = await repository.lock('shared', signal);
    const [name = ''] = await names();
    const json = JSON.parse((await repository.files.load('locks', name, signal)).toString()) as Record<string, unknown>;
    const { start, boot, namespace, machine } = self;
    expect(json).toMatchObject({
      hostname: hostname(),
      pid: process.pid,
      stillpoint: { start, boot, namespace, machine },
    });
  });

  it('keeps others out while its process lives, and goes with the next job when that was killed', async () => {
    const { child, identity } = await startChild();
    await plant({ pid: identity.pid, holder: holder({ start: identity.start }) });
    await expect(repository.lock('shared', signal)).rejects.toMatchObject({ code: 'repository.locked' });
    expect((await repository.unlock('stale', signal)).kept).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    {
      await using _lock = await repository.lock('shared', signal);
      expect(await names()).toHaveLength(1);
    }
    expect(await names()).toEqual([]);
    expect(notices.map(({ message }) => message)).toEqual([
      expect.stringContaining(`of process ${identity.pid} of ada on "${hostname()}" since`),
    ]);
    expect(notices[0]?.message).toContain('was removed: its process');
  });

  it('goes also when another process has its number by now, and whatever its time says', async () => {
    await plant({ pid: process.pid, holder: holder({ start: '1' }) }, -24 * 60 * MINUTE);
    await using _lock = await repository.lock('exclusive', signal);
    expect(notices).toHaveLength(1);
  });

  it('that is shared goes when somebody wants to be alone, and at once', async () => {
    await plant({ exclusive: false, holder: holder() });
    await using _lock = await repository.lock('exclusive', signal);
    expect(await names()).toHaveLength(1);
  });

  it.each<[what: string, change: Partial<LockFile>]>([
    ['of another machine', { hostname: 'nas' }],
    ['of another machine with our host name', {}],
  ])('%s stands, although no process here has its number', async (_what, change) => {
    const name = await plant({ ...change, holder: holder({ boot: 'theirs', machine: 'theirs' }) });
    const error: unknown = await repository.lock('shared', signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'repository.locked' });
    // Not even a person takes it away by mistake: its pid says nothing here.
    expect((await repository.unlock('stale', signal)).kept.map(({ id }) => id)).toEqual([name]);
    expect((await repository.unlock('all', signal)).removed.map(({ id }) => id)).toEqual([name]);
  });

  it('of another container of this machine stands', async () => {
    await plant({ holder: holder({ namespace: 'pid:[1]' }) });
    await expect(repository.lock('exclusive', signal)).rejects.toMatchObject({ code: 'repository.locked' });
    const { kept } = await repository.unlock('stale', signal);
    expect(kept.map(({ reason }) => reason)).toEqual([expect.stringContaining('container with our host name')]);
  });

  it('from before this machine was started again goes after two renewals that did not come', async ({ skip }) => {
    skip(self.machine === '', 'this machine has no id or no network adapter of its own to be known by');
    await plant({ holder: holder({ boot: 'before' }) }, 9 * MINUTE);
    await expect(repository.lock('shared', signal)).rejects.toMatchObject({
      advice: expect.stringContaining('this machine was started again since') as string,
    });
    await plant({ holder: holder({ boot: 'before' }) }, 11 * MINUTE);
    await expect(repository.lock('shared', signal)).rejects.toMatchObject({ code: 'repository.locked' });
    expect(notices).toHaveLength(1);
    expect((await repository.unlock('stale', signal)).removed).toHaveLength(1);
    await using _lock = await repository.lock('shared', signal);
  });

  it('of which a later version says more, or otherwise, is judged by its age', async () => {
    const text = encodeLock({ ...lockNow(), holder: holder() }).toString();
    for (const later of [text.replace('"boot"', '"epoch"'), text.replace(/"stillpoint":.*\}$/, '"stillpoint":7}')])
      await repository.files.save('locks', Buffer.from(later), signal);
    await expect(repository.lock('shared', signal)).rejects.toMatchObject({ code: 'repository.locked' });
    expect(notices).toEqual([]);
  });

  it('of a dead process that cannot be removed keeps nobody out', async () => {
    const dead = await plant({ holder: holder() });
    const { remove } = backend;
    backend.remove = async (file, stop) => {
      if (file.name === dead) throw new StillpointError('backend.denied', 'no', { advice: '', cause: undefined });
      return remove.call(backend, file, stop);
    };
    {
      await using lock = await repository.lock('exclusive', signal);
      expect(lock.mode).toBe('exclusive');
    }
    expect([await names(), notices]).toEqual([[dead], []]);
  });
});

function lockNow(): LockFile {
  const time = timestampFromDate(new Date());
  return { time, exclusive: true, hostname: hostname(), username: 'ada', pid: GONE_PID, uid: 0, gid: 0 };
}

describe('a lock of restic', () => {
  it('whose process is not there stands until somebody unlocks', async () => {
    await plant({});
    await expect(repository.lock('shared', signal)).rejects.toMatchObject({
      advice: expect.stringContaining('looks abandoned: its process') as string,
    });
    expect((await repository.unlock('stale', signal)).removed).toHaveLength(1);
  });
});

describe('a lock that cannot be read', () => {
  const DAMAGED = 'ab'.repeat(32);
  const FOREIGN = 'cd'.repeat(32);

  it('is named with the way out, and unlock takes what it can and names the rest', async () => {
    const good = await plant({ hostname: 'nas', exclusive: false });
    for (const name of [DAMAGED, FOREIGN])
      await backend.save({ type: 'locks', name }, [Buffer.from(`noise ${name}`)], signal);
    const denied = new StillpointError('backend.denied', 'Lock cdcdcdcd could not be touched.', {
      advice: '',
      cause: undefined,
    });
    const { load, remove } = backend;
    backend.load = async (file, ...rest) => {
      if (file.name === FOREIGN) throw denied;
      return load.call(backend, file, ...rest);
    };
    backend.remove = async (file, stop) => {
      if (file.name === FOREIGN) throw denied;
      return remove.call(backend, file, stop);
    };
    for (const mode of ['shared', 'exclusive'] as const)
      await expect(repository.lock(mode, signal)).rejects.toMatchObject({
        code: 'repository.locked',
        message: expect.stringMatching(/a lock cannot be read\. (The file of lock abab|Lock cdcd)/) as string,
        advice: expect.stringContaining('"stillpoint unlock --remove-all"') as string,
      });
    const kept = await repository.unlock('stale', signal);
    expect(kept.removed).toEqual([]);
    expect(new Set(kept.kept.map(({ id }) => id))).toEqual(new Set([good, DAMAGED, FOREIGN]));
    const all = await repository.unlock('all', signal);
    expect(new Set(all.removed.map(({ id }) => id))).toEqual(new Set([good, DAMAGED]));
    expect(all.kept).toEqual([
      { id: FOREIGN, owner: undefined, reason: 'it could not be removed: Lock cdcdcdcd could not be touched.' },
    ]);
  });

  it('because it is another user’s keeps us out, and unlock --remove-all takes it from a folder of ours', async ({
    skip,
  }) => {
    skip(process.getuid?.() !== 0, 'changing the user needs root');
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'repository');
    await using own = await createTestRepository(createLocalBackend(path));
    const name = await own.files.save('locks', encodeLock(lockNow()), signal);
    await execa('chown', ['-R', '65534:65534', folder.path]);
    await execa('chown', ['0:0', join(path, 'locks', name)]);
    const source = (file: string): string => JSON.stringify(import.meta.resolve(`../../../shared/repository/${file}`));
    const program = `
      import { createLocalBackend } from ${source('backend/local.ts')};
      import { openRepository } from ${source('open-repository.ts')};
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
      const [path, password] = process.argv.slice(1);
      const never = new AbortController().signal;
      const repository = await openRepository(createLocalBackend(path), password, never);
      const error = await repository.lock('shared', never).catch((thrown) => thrown);
      const { removed, kept } = await repository.unlock('all', never);
      await using lock = await repository.lock('exclusive', never);
      console.log(JSON.stringify({ code: error.code, message: error.message, removed: removed.length, kept }));
    `;
    const args = ['--input-type=module', '--eval', program, path, PASSWORD];
    const { stdout } = await execa(process.execPath, args);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'repository.locked', removed: 1, kept: [] });
    expect(stdout).toContain('access is refused (EACCES)');
  });
});
