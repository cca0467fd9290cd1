/**
 * Locks, as restic's: small files that say who works here. Any number of shared ones may be there at once, an
 * exclusive one only alone. A lock is written, and then the others are looked at again, so that of two who came at the
 * same instant at least one steps back.
 *
 * A lock's time is renewed every five minutes by writing a new file and removing the old one. One that is older than
 * 30 minutes, or whose process on this machine is gone, is stale. Stale locks still count: whether the other side is
 * really dead is for a person to say (`unlock`), because another machine's clock may be wrong.
 *
 * All ages are wall time: a laptop that slept for an hour has lost its lock, whatever its timers say.
 *
 * Crash story: a dead process leaves its lock; a shared one stops nobody but an exclusive user, who is told.
 */
import { hostname } from 'node:os';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import { decodeLock, type LockFile } from './format/lock-file.ts';
import { timestampToDate } from './format/timestamp.ts';
import { HeldLock, LOCK_TIMES, type LockPorts } from './held-lock.ts';
import type { LockMode, RepositoryLock } from './repository.ts';

export interface FoundLock {
  readonly name: string;
  readonly lock: LockFile;
  readonly isStale: boolean;
}

export async function listLocks({ files, clock }: LockPorts, signal: AbortSignal): Promise<FoundLock[]> {
  const found: FoundLock[] = [];
  for await (const { name, sizeBytes } of files.backend.list('locks', signal)) {
    // A store without atomic writes may keep an empty file from an interrupted one; restic passes over it too.
    if (!/^[0-9a-f]{64}$/.test(name) || sizeBytes === 0) continue;
    const json = await files.load('locks', name, signal).catch((error: unknown) => {
      if (isStillpointError(error, 'backend.not-found')) return undefined;
      throw error;
    });
    if (json === undefined) continue;
    const lock = decodeLock(json, `lock ${name.slice(0, 8)}`);
    found.push({ name, lock, isStale: isStale(lock, clock.now()) });
  }
  return found;
}

function isStale(lock: LockFile, now: Date): boolean {
  if (now.getTime() - timestampToDate(lock.time).getTime() > LOCK_TIMES.staleMs) return true;
  return lock.hostname === hostname() && lock.pid > 0 && !isRunning(lock.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes stale locks; with `all` every lock, which only a person may decide. Returns how many. */
export async function unlock(ports: LockPorts, which: 'stale' | 'all', signal: AbortSignal): Promise<number> {
  const doomed = (await listLocks(ports, signal)).filter(({ isStale: stale }) => which === 'all' || stale);
  for (const { name } of doomed) await ports.files.remove('locks', name, signal);
  return doomed.length;
}

/**
 * restic asks whether the process of a lock is alive by sending it SIGHUP, and ignores that signal itself. Without
 * this a `restic unlock` on the same machine would end our backup.
 */
function ignoreQuestions(): void {
  if (!process.listeners('SIGHUP').includes(stayAlive)) process.on('SIGHUP', stayAlive);
}

function stayAlive(): void {}

export async function acquireLock(ports: LockPorts, mode: LockMode, signal: AbortSignal): Promise<RepositoryLock> {
  ignoreQuestions();
  await refuseConflict(ports, mode, undefined, signal);
  const held = new HeldLock(ports, mode);
  await held.renew(signal);
  try {
    await ports.clock.sleep(LOCK_TIMES.settleMs, signal);
    await refuseConflict(ports, mode, held.name, signal);
  } catch (error) {
    await held[Symbol.asyncDispose]();
    signal.throwIfAborted();
    throw error;
  }
  held.keepFresh();
  return held;
}

async function refuseConflict(
  ports: LockPorts,
  mode: LockMode,
  own: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const others = (await listLocks(ports, signal)).filter(({ name }) => name !== own);
  const conflict = others.find(({ lock }) => mode === 'exclusive' || lock.exclusive);
  if (conflict === undefined) return;
  const { lock, isStale: stale } = conflict;
  const who = `process ${lock.pid} of ${lock.username || 'somebody'} on "${lock.hostname}"`;
  const how = lock.exclusive ? 'locked for exclusive use' : 'in use';
  throw new StillpointError(
    'repository.locked',
    `The repository at ${ports.files.backend.properties.location} is ${how} by ${who} since ${lock.time}.`,
    {
      advice: stale
        ? 'That lock looks abandoned. If nothing works on the repository any more, remove it with unlock.'
        : 'Wait until that is done. If that process is gone, remove its lock with unlock.',
      details: { ...lock, isStale: stale },
      cause: undefined,
      retry: 'safe',
    },
  );
}
