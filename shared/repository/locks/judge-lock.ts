/**
 * Whether the holder of a lock lives, from the lock alone.
 *
 * `dead` is a proof: our own lock says in which boot and process table its holder was given its number and start, and
 * there it can be looked up; or its machine, known by more than its name, was started again since. Dead locks are
 * removed by the next process that meets them. `stale` is restic's rule: not renewed for 30 minutes, or a pid that is
 * not there on a machine of our host name. That is good enough for a person who says `unlock`, and not for a machine
 * that decides alone: clocks go wrong, and two machines may have one name. A lock that says more than restic's is never
 * judged by its host name and pid.
 *
 * All ages are wall time. A lock from the future is never old: one of two clocks is wrong, and which one is unknown.
 */
import { hostname } from 'node:os';
import { fateOf, type ProcessFate } from '../../base/process-identity.ts';
import type { JudgedLock } from '../../domain/repository-access.ts';
import type { LockFile } from '../format/lock-file.ts';
import { timestampToDate } from '../timestamp.ts';

/** restic's own numbers, so that both sides judge alike. */
export const LOCK_TIMES = {
  refreshMs: 5 * 60_000,
  staleMs: 30 * 60_000,
  /** Work stops this long after the last renewal, well before others may call the lock stale. */
  lostMs: 22.5 * 60_000,
  /** How often we look at the clock. */
  tickMs: 20_000,
  /** Between writing a lock and looking for others: what a slow store needs to show a new file. */
  settleMs: 200,
  /**
   * A copy of a virtual machine with all its ids looks like the machine itself after a restart. Only the machine that
   * runs on renews its lock, so a lock is left alone for two renewals.
   */
  restartedMs: 10 * 60_000,
} as const;

type LockState = 'dead' | 'stale' | 'held';

export interface Judgement {
  readonly state: LockState;
  /** Why, as a clause. */
  readonly reason: string;
}

export async function judgeLock(lock: LockFile, now: Date): Promise<Judgement> {
  const ageMs = now.getTime() - timestampToDate(lock.time).getTime();
  const minutes = Math.floor(ageMs / 60_000);
  const fate = await fateOfHolder(lock);
  if (fate === 'ended') return { state: 'dead', reason: `its process ${lock.pid} on this machine is gone` };
  if (fate === 'restarted') {
    const state = ageMs >= LOCK_TIMES.restartedMs ? 'dead' : 'stale';
    return { state, reason: 'this machine was started again since' };
  }
  if (ageMs > LOCK_TIMES.staleMs) return { state: 'stale', reason: `it was not renewed for ${minutes} minutes` };
  if (isGoneByRestic(lock)) return { state: 'stale', reason: `its process ${lock.pid} on this machine is gone` };
  return { state: 'held', reason: whyHeld(lock, fate, ageMs) };
}

async function fateOfHolder({ hostname: host, pid, holder }: LockFile): Promise<ProcessFate> {
  return holder === undefined ? 'unknown' : await fateOf({ hostname: host, pid, ...holder });
}

function isGoneByRestic({ hostname: host, pid, holder }: LockFile): boolean {
  return holder === undefined && host === hostname() && pid > 0 && !isRunning(pid);
}

function whyHeld({ hostname: host, holder }: LockFile, fate: ProcessFate, ageMs: number): string {
  if (ageMs < -LOCK_TIMES.refreshMs) return 'its time lies in the future: its clock or ours is wrong';
  if (fate === 'alive' || (holder === undefined && host === hostname())) return 'its process is at work';
  const where = host === hostname() ? ', by another machine or container with our host name' : '';
  return `it was renewed within the last 30 minutes${where}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** "process 4711 of root on "nas"" */
export function holderName({ pid, username, hostname: host }: LockFile): string {
  return `process ${pid} of ${username || 'an unknown user'} on "${host}"`;
}

export function describeLock(id: string, lock: LockFile, reason: string): JudgedLock {
  const { time, exclusive, hostname: host, username, pid } = lock;
  const owner = { id, time: timestampToDate(time).toISOString(), exclusive, hostname: host, username, pid };
  return { id, owner, reason };
}
