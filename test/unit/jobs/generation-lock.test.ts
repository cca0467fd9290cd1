/** The lock between processes: one holder at a time, also when holders are killed and many want to be next. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { takeLock, tryLock } from '../../../shared/jobs/generation-lock.ts';

const COUNTER = fileURLToPath(new URL('../../support/jobs/lock-main.ts', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const counter = (rounds: number): ChildProcess =>
  spawn(process.execPath, [COUNTER, join(folder, 'lock'), join(folder, 'count'), String(rounds)], { stdio: 'inherit' });

describe('a lock', { timeout: 60_000 }, () => {
  test('has one holder, within a process too, and tells how it was left', async () => {
    const path = join(folder, 'lock');
    const first = await tryLock(path);
    expect(first?.uncleanBefore).toBe(false);
    expect(await tryLock(path)).toBeUndefined();
    await first?.release({ clean: false });
    await first?.[Symbol.asyncDispose]();
    const second = await tryLock(path);
    expect(second?.uncleanBefore).toBe(true);
    await second?.[Symbol.asyncDispose]();
    const third = await tryLock(path);
    expect(third?.uncleanBefore).toBe(false);
    await third?.release({ clean: true });
    expect(await readdir(path), 'old numbers are removed').toEqual(['3']);
  });

  test('lets go of one who no longer wants to wait', async () => {
    const path = join(folder, 'lock');
    await using _ = await takeLock(path, systemClock, never);
    await expect(takeLock(path, systemClock, AbortSignal.timeout(20))).rejects.toThrow('timeout');
  });

  test('has one holder at most while many look, create and remove at the same time', async () => {
    const path = join(folder, 'lock');
    let holders = 0;
    let most = 0;
    let taken = 0;
    const contender = async (): Promise<void> => {
      while (taken < 60) {
        const lock = await tryLock(path);
        if (lock === undefined) continue;
        holders += 1;
        taken += 1;
        most = Math.max(most, holders);
        await systemClock.sleep(0, never);
        holders -= 1;
        await lock.release({ clean: true });
      }
    };
    await Promise.all(Array.from({ length: 24 }, contender));
    expect(most).toBe(1);
  });

  test('is taken by one process after the other', async () => {
    const processes = Array.from({ length: 4 }, () => counter(25));
    const codes = await Promise.all(processes.map((child) => once(child, 'exit')));
    expect(codes).toEqual(processes.map(() => [0, null]));
    expect(await readFile(join(folder, 'count'), 'utf8')).toBe('100');
  });

  test('survives the killing of its holders', async () => {
    const victims = Array.from({ length: 3 }, () => counter(100_000));
    // Listened to from the start: on a quick machine they are done before the last victim is dead.
    const survivors = Array.from({ length: 2 }, () => once(counter(60), 'exit'));
    for (const victim of victims) {
      await systemClock.sleep(250, never);
      victim.kill('SIGKILL');
      await once(victim, 'exit');
    }
    expect(await Promise.all(survivors)).toEqual([
      [0, null],
      [0, null],
    ]);
    const dead = new Set(victims.map(({ pid }) => String(pid)));
    const log = (await readFile(join(folder, 'count.log'), 'utf8')).trim().split('\n');
    let inside: string | undefined;
    for (const entry of log) {
      const [act, pid = '', state] = entry.split(' ');
      if (act === 'enter') {
        // Another holder is still inside only if it was killed there, and then the next one learns of it.
        if (inside !== undefined) expect([dead.has(inside), state]).toEqual([true, 'unclean']);
        inside = pid;
      } else {
        expect(inside).toBe(pid);
        inside = undefined;
      }
    }
  });
});
