import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { encodeLock, type LockFile } from '../../../shared/repository/format/lock-file.ts';
import { listLocks } from '../../../shared/repository/locks/find-locks.ts';
import { LOCK_TIMES } from '../../../shared/repository/locks/judge-lock.ts';
import { createRepository, openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { timestampFromDate } from '../../../shared/repository/timestamp.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { CHEAP_KEY, PASSWORD } from '../../support/test-repository.ts';

const signal = AbortSignal.timeout(15 * 60_000);
const MINUTE = 60_000;

/** Wall time that the test sets; waiting takes none of it. */
class TestClock implements Clock {
  ms = Date.UTC(2026, 0, 1);
  onSleep: () => Promise<void> = async () => undefined;
  now = (): Date => new Date(this.ms);
  monotonicMs = (): number => this.ms;
  sleep = (): Promise<void> => this.onSleep();
}

const refused: unknown = expect.objectContaining({ code: 'repository.locked' });
const lost: unknown = expect.objectContaining({ code: 'repository.lock-lost' });
const byPerson: unknown = expect.stringContaining('unlock --remove-all');
const abandoned: unknown = expect.stringContaining('looks abandoned');

describe('locks', () => {
  let backend: Backend;
  let clock: TestClock;
  let repository: OpenedRepository;
  let other: OpenedRepository;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    backend = createMemoryBackend();
    clock = new TestClock();
    repository = await createRepository(backend, PASSWORD, signal, { keyCost: CHEAP_KEY, clock });
    other = await openRepository(backend, PASSWORD, signal, { clock });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const names = (): Promise<string[]> => repository.files.listNames('locks', signal);

  async function plant(lock: Partial<LockFile>): Promise<string> {
    const full = {
      time: timestampFromDate(clock.now()),
      exclusive: false,
      hostname: 'nas',
      username: 'ada',
      pid: 7,
      uid: 0,
      gid: 0,
    };
    return repository.files.save('locks', encodeLock({ ...full, ...lock }), signal);
  }

  it('are shared by many', async () => {
    await using first = await repository.lock('shared', signal);
    await using second = await other.lock('shared', signal);
    expect((await names()).length).toBe(2);
    first.assertHeld();
    second.assertHeld();
  });

  it('are gone afterwards, also when disposed twice', async () => {
    const lock = await repository.lock('exclusive', signal);
    await lock[Symbol.asyncDispose]();
    await lock[Symbol.asyncDispose]();
    expect(await names()).toEqual([]);
    expect(() => lock.assertHeld()).toThrow(lost);
  });

  it('that are exclusive stand alone', async () => {
    {
      await using _shared = await repository.lock('shared', signal);
      await expect(other.lock('exclusive', signal)).rejects.toEqual(refused);
    }
    await using _exclusive = await repository.lock('exclusive', signal);
    await expect(other.lock('shared', signal)).rejects.toEqual(refused);
    await expect(other.lock('exclusive', signal)).rejects.toEqual(refused);
    expect((await names()).length).toBe(1);
  });

  it('see one that comes at the same instant, and step back', async () => {
    clock.onSleep = async () => void (await plant({ exclusive: true }));
    await expect(repository.lock('shared', signal)).rejects.toThrow(
      'locked for exclusive use by process 7 of ada on "nas"',
    );
    expect((await names()).length).toBe(1);
  });

  it('leave nothing when the wait is cancelled', async () => {
    const stop = new AbortController();
    clock.onSleep = async () => {
      stop.abort(new Error('enough'));
      throw new Error('enough');
    };
    await expect(repository.lock('shared', stop.signal)).rejects.toThrow('enough');
    expect(await names()).toEqual([]);
  });

  it('are stale after half an hour, or when their process on this machine is gone', async () => {
    const gonePid = 2 ** 22 - 1;
    const fresh = await plant({});
    const old = await plant({ time: timestampFromDate(new Date(clock.ms - 31 * MINUTE)), pid: 8 });
    const dead = await plant({ hostname: hostname(), pid: gonePid });
    const alive = await plant({ hostname: hostname(), pid: process.pid });
    const ports = { files: repository.files, clock, logger: silentLogger, notify: () => undefined };
    const states = new Map((await listLocks(ports, signal)).map((lock) => [lock.name, lock.state]));
    expect([fresh, old, dead, alive].map((name) => states.get(name))).toEqual(['held', 'stale', 'stale', 'held']);
    const report = await repository.unlock('stale', signal);
    const said = new Map([...report.removed, ...report.kept].map(({ id, reason }) => [id, reason]));
    expect(report.removed.map(({ id }) => id).toSorted()).toEqual([old, dead].toSorted());
    expect([old, dead, fresh, alive].map((name) => said.get(name))).toEqual([
      'it was not renewed for 31 minutes',
      `its process ${gonePid} on this machine is gone`,
      'it was renewed within the last 30 minutes',
      'its process is at work',
    ]);
    expect(report.removed.find(({ id }) => id === old)?.owner).toMatchObject({
      hostname: 'nas',
      username: 'ada',
      pid: 8,
    });
    expect(await names()).toEqual([fresh, alive].toSorted());
    expect((await repository.unlock('all', signal)).removed.length).toBe(2);
  });

  it('that are stale still stand in the way, and say what to do', async () => {
    await plant({ exclusive: true, time: timestampFromDate(new Date(clock.ms - 60 * MINUTE)) });
    const error = await repository.lock('shared', signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'repository.locked', advice: abandoned });
  });

  it('are renewed in time, the new one before the old one goes', async () => {
    await using lock = await repository.lock('shared', signal);
    const [first] = await names();
    clock.ms += LOCK_TIMES.refreshMs;
    await vi.advanceTimersByTimeAsync(LOCK_TIMES.tickMs);
    await vi.waitFor(async () => expect(await names()).not.toEqual([first]));
    await vi.waitFor(async () => expect((await names()).length).toBe(1));
    clock.ms += LOCK_TIMES.lostMs - MINUTE;
    lock.assertHeld();
  });

  it('are lost when the machine slept too long, whatever the timers say', async () => {
    await using lock = await repository.lock('shared', signal);
    clock.ms += LOCK_TIMES.lostMs + 1;
    expect(() => lock.assertHeld()).toThrow(lost);
    expect(lock.signal.aborted).toBe(true);
  });

  it('are lost when somebody removed them', async () => {
    await using lock = await repository.lock('shared', signal);
    await other.unlock('all', signal);
    clock.ms += LOCK_TIMES.refreshMs;
    const gone = new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
    await vi.advanceTimersByTimeAsync(LOCK_TIMES.tickMs);
    await gone;
    expect(() => lock.assertHeld()).toThrow('another process removed it');
    expect(await names()).toEqual([]);
  });

  it('pass over empty files, which some stores leave', async () => {
    await backend.save({ type: 'locks', name: 'ab'.repeat(32) }, [], signal);
    await using lock = await repository.lock('exclusive', signal);
    expect(lock.mode).toBe('exclusive');
  });

  it('do not pass over what cannot be read', async () => {
    await backend.save({ type: 'locks', name: 'ab'.repeat(32) }, [Buffer.from('noise')], signal);
    const error = await repository.lock('shared', signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'repository.locked', advice: byPerson });
    expect((error as Error).message).toContain('does not match its name');
    const { removed, kept } = await repository.unlock('stale', signal);
    expect([removed, kept.map(({ owner }) => owner)]).toEqual([[], [undefined]]);
    await repository.unlock('all', signal);
    await using lock = await repository.lock('exclusive', signal);
    lock.assertHeld();
  });

  it('that are half-written for a moment are read again', async () => {
    const content = await backend.load({ type: 'locks', name: await plant({}) }, undefined, signal);
    const [name = ''] = await names();
    await backend.save({ type: 'locks', name }, [content.subarray(0, 40)], signal);
    let waits = 0;
    clock.onSleep = async () => {
      waits += 1;
      if (waits === 1) await backend.save({ type: 'locks', name }, [content], signal);
    };
    await using lock = await repository.lock('shared', signal);
    expect([lock.mode, waits]).toEqual(['shared', 2]);
  });

  it('from the future are nobody dead, and only a person removes them', async () => {
    await plant({ time: timestampFromDate(new Date(clock.ms + 24 * 60 * MINUTE)), exclusive: true });
    await expect(repository.lock('shared', signal)).rejects.toEqual(refused);
    const { removed, kept } = await repository.unlock('stale', signal);
    expect(removed).toEqual([]);
    expect(kept.map(({ reason }) => reason)).toEqual(['its time lies in the future: its clock or ours is wrong']);
    expect((await repository.unlock('all', signal)).removed.length).toBe(1);
  });

  it('are renewed also after the clock was set back', async () => {
    await using lock = await repository.lock('shared', signal);
    const [first] = await names();
    clock.ms -= 60 * MINUTE;
    await vi.advanceTimersByTimeAsync(LOCK_TIMES.tickMs);
    await vi.waitFor(async () => expect(await names()).not.toEqual([first]));
    lock.assertHeld();
  });

  it('that somebody else removed meanwhile are no failure of unlock', async () => {
    await plant({ hostname: hostname(), pid: 2 ** 22 - 1 });
    await plant({ hostname: hostname(), pid: 2 ** 22 - 2 });
    const [one, two] = await Promise.all([repository.unlock('stale', signal), other.unlock('stale', signal)]);
    expect(one.removed.length + two.removed.length).toBe(2);
    expect(await names()).toEqual([]);
  });
});
