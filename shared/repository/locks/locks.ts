/**
 * Locks, as restic's: small files that say who works here. Any number of shared ones may be there at once, an
 * exclusive one only alone. A lock is written, and then the others are looked at again, so that of two who came at the
 * same instant at least one steps back.
 *
 * A lock's time is renewed every five minutes by writing a new file and removing the old one. One that is older than
 * 30 minutes, or whose process on this machine is gone, is stale. Stale locks still count: whether the other side is
 * really dead is for a person to say (`unlock`), because another machine's clock may be wrong.
 *
 * All ages are wall time: a laptop that slept for an hour has lost its lock, whatever its timers say. A lock from the
 * future is never old: one of two clocks is wrong, and which one cannot be told from here.
 *
 * A lock that cannot be read counts as a lock, since it may be somebody's at work. Only a person takes it away.
 *
 * Crash story: a dead process leaves its lock; a shared one stops nobody but an exclusive user, who is told. Only its
 * owner or an explicit `unlock` ever removes a lock.
 */
import { hostname } from 'node:os';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { JudgedLock, LockOwner, UnlockReport } from '../../domain/repository-access.ts';
import { isId } from '../format/ids.ts';
import { decodeLock, type LockFile } from '../format/lock-file.ts';
import { timestampToDate } from '../format/timestamp.ts';
import type { LockMode, RepositoryLock } from '../repository.ts';
import { HeldLock, LOCK_TIMES, type LockPorts } from './held-lock.ts';

const READ_ATTEMPTS = 3;

export interface FoundLock {
  readonly name: string;
  readonly lock: LockFile;
  readonly isStale: boolean;
}

/** @param onDamaged is given locks that cannot be read; without it they are an error, for nobody knows whose they are */
export async function listLocks(
  ports: LockPorts,
  signal: AbortSignal,
  onDamaged?: (name: string, error: StillpointError) => void,
): Promise<FoundLock[]> {
  const found: FoundLock[] = [];
  for await (const { name, sizeBytes } of ports.files.backend.list('locks', signal)) {
    // A store without atomic writes may keep an empty file from an interrupted one; restic passes over it too.
    if (!isId(name) || sizeBytes === 0) continue;
    try {
      const lock = await readLock(ports, name, signal);
      if (lock !== undefined) found.push({ name, lock, isStale: whyStale(lock, ports.clock.now()) !== undefined });
    } catch (error) {
      if (onDamaged === undefined || !isStillpointError(error, 'repository.damaged')) throw error;
      onDamaged(name, error);
    }
  }
  return found;
}

/** Undefined when it is gone, given back since it was listed. */
async function readLock({ files }: LockPorts, name: string, signal: AbortSignal): Promise<LockFile | undefined> {
  try {
    return decodeLock(await files.load('locks', name, signal), `lock ${name.slice(0, 8)}`);
  } catch (error) {
    if (isStillpointError(error, 'backend.not-found')) return undefined;
    throw error;
  }
}

function whyStale(lock: LockFile, now: Date): string | undefined {
  const ageMs = now.getTime() - timestampToDate(lock.time).getTime();
  if (ageMs > LOCK_TIMES.staleMs) return `it was not renewed for ${Math.floor(ageMs / 60_000)} minutes`;
  const isGone = lock.hostname === hostname() && lock.pid > 0 && !isRunning(lock.pid);
  return isGone ? `its process ${lock.pid} on this machine is gone` : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes stale locks; with `all` every lock, which only a person may decide, also those that cannot be read. */
export async function unlock(ports: LockPorts, which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport> {
  const report = { removed: [] as JudgedLock[], kept: [] as JudgedLock[] };
  for await (const { name, sizeBytes } of ports.files.backend.list('locks', signal)) {
    if (!isId(name)) continue;
    const judged = await judge(ports, { name, sizeBytes }, signal);
    if (judged === undefined) continue;
    const { isStale, ...lock } = judged;
    if (which !== 'all' && !isStale) report.kept.push(lock);
    else if (await removeLock(ports, name, signal)) report.removed.push(lock);
  }
  return report;
}

async function judge(
  ports: LockPorts,
  { name, sizeBytes }: { readonly name: string; readonly sizeBytes: number },
  signal: AbortSignal,
): Promise<(JudgedLock & { readonly isStale: boolean }) | undefined> {
  if (sizeBytes === 0)
    return { id: name, owner: undefined, reason: 'it is empty and locks nobody out', isStale: false };
  try {
    const lock = await readLock(ports, name, signal);
    if (lock === undefined) return undefined;
    const stale = whyStale(lock, ports.clock.now());
    const owner = ownerOf(name, lock);
    return { id: name, owner, reason: stale ?? whyKept(lock, ports.clock.now()), isStale: stale !== undefined };
  } catch (error) {
    if (!isStillpointError(error, 'repository.damaged')) throw error;
    return { id: name, owner: undefined, reason: 'it cannot be read, so nobody knows whose it is', isStale: false };
  }
}

function whyKept(lock: LockFile, now: Date): string {
  if (timestampToDate(lock.time).getTime() - now.getTime() > LOCK_TIMES.refreshMs)
    return 'its time lies in the future: its clock or ours is wrong';
  return lock.hostname === hostname() ? 'its process is at work' : 'it was renewed within the last 30 minutes';
}

/** False when it was gone already. */
async function removeLock({ files }: LockPorts, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await files.remove('locks', name, signal);
    return true;
  } catch (error) {
    if (isStillpointError(error, 'backend.not-found')) return false;
    throw error;
  }
}

function ownerOf(id: string, { time, exclusive, hostname: host, username, pid }: LockFile): LockOwner {
  return { id, time: timestampToDate(time).toISOString(), exclusive, hostname: host, username, pid };
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

/** A store without atomic writes may show a lock half-written for a moment; one that stays so locks us out. */
async function readableLocks(ports: LockPorts, signal: AbortSignal): Promise<FoundLock[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listLocks(ports, signal);
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      if (attempt === READ_ATTEMPTS) {
        throw new StillpointError('repository.locked', `${error.message} Somebody may be at work.`, {
          advice:
            'Nothing was started. If nothing works on the repository, remove the lock with "stillpoint unlock --remove-all".',
          cause: error,
        });
      }
      await ports.clock.sleep(LOCK_TIMES.settleMs, signal);
    }
  }
}

async function refuseConflict(
  ports: LockPorts,
  mode: LockMode,
  own: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const others = (await readableLocks(ports, signal)).filter(({ name }) => name !== own);
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
        ? 'That lock looks abandoned. If nothing works on the repository any more, remove it with "stillpoint unlock".'
        : 'Wait until that is done. If that process is gone, remove its lock with "stillpoint unlock".',
      details: { ...lock, isStale: stale },
      cause: undefined,
      retry: 'safe',
    },
  );
}
