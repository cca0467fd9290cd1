/**
 * Locks, as restic's: small files that say who works here. Any number of shared ones may be there at once, an
 * exclusive one only alone. A lock is written, and then the others are looked at again, so that of two who came at the
 * same instant at least one steps back.
 *
 * A lock's time is renewed every five minutes by writing a new file and removing the old one. A lock whose holder is
 * provably dead (see `judge-lock.ts`) is removed by the next one who comes, and that is said. Any other lock counts,
 * also one that looks abandoned: whether the other side is really dead is for a person to say (`unlock`).
 *
 * A lock that cannot be read counts as a lock, since it may be that of a job at work; restic does the same. Only a person
 * takes it away.
 *
 * All ages are wall time: a laptop that slept for an hour has lost its lock, whatever its timers say.
 *
 * Crash story: a dead process leaves its lock. The next job on that machine removes it; elsewhere it stays until
 * `unlock`. A removal that fails does not fail the job: the lock of a dead process keeps no other process out.
 */
import { StillpointError } from '../../base/errors.ts';
import { type RetryTimes, Tries } from '../../base/retry.ts';
import type { AnnouncedLock, LockMode, RepositoryLock } from '../repository.ts';
import { type FoundLock, listLocks, removeLock } from './find-locks.ts';
import { HeldLock, type LockPorts } from './held-lock.ts';
import { holderName, LOCK_TIMES } from './judge-lock.ts';

const READING: RetryTimes = { tries: 3, firstWaitMs: LOCK_TIMES.settleMs, growth: 1, chance: 0 };

/**
 * restic asks whether the process of a lock is alive by sending it SIGHUP, and ignores that signal itself. Without
 * this a `restic unlock` on the same machine would end our backup.
 */
function ignoreQuestions(): void {
  if (!process.listeners('SIGHUP').includes(stayAlive)) process.on('SIGHUP', stayAlive);
}

function stayAlive(): void {}

export async function acquireLock(ports: LockPorts, mode: LockMode, signal: AbortSignal): Promise<RepositoryLock> {
  const { lock, settled } = await announceLock(ports, mode, signal);
  await settled;
  return lock;
}

/**
 * The lock is written, and is looked at once more in a moment: until that has settled, somebody who came at the same
 * instant may make us step back, and nothing may be written. Where it does not settle, it is given back.
 */
export async function announceLock(ports: LockPorts, mode: LockMode, signal: AbortSignal): Promise<AnnouncedLock> {
  ignoreQuestions();
  await refuseConflict(ports, mode, undefined, signal);
  const lock = new HeldLock(ports, mode);
  await lock.renew(signal);
  const settled = settle(lock, ports, signal);
  settled.catch(() => undefined);
  return { lock, settled };
}

async function settle(held: HeldLock, ports: LockPorts, signal: AbortSignal): Promise<void> {
  try {
    await ports.clock.sleep(LOCK_TIMES.settleMs, signal);
    await refuseConflict(ports, held.mode, held.name, signal);
  } catch (error) {
    await held[Symbol.asyncDispose]();
    signal.throwIfAborted();
    throw error;
  }
  held.keepFresh();
}

/** A store without atomic writes may show a half-written lock for a moment; one that stays half-written locks us out. */
async function readableLocks(ports: LockPorts, signal: AbortSignal): Promise<FoundLock[]> {
  const tries = new Tries({ clock: ports.clock, times: READING });
  for (;;) {
    const unreadable: [name: string, error: StillpointError][] = [];
    const locks = await listLocks(ports, signal, (name, error) => unreadable.push([name, error]));
    const [first] = unreadable;
    if (first === undefined) return locks;
    await tries.waitAfter(unreadableLock(...first), signal);
  }
}

function unreadableLock(name: string, error: StillpointError): StillpointError {
  const mayRead = error.code === 'backend.denied' ? 'Run this as a user who may read it; or, if' : 'If';
  return new StillpointError(
    'repository.locked',
    `Another process may be using the repository: a lock cannot be read. ${error.message}`,
    {
      advice: `${mayRead} nothing works on the repository any more, remove it with "stillpoint unlock --remove-all".`,
      details: { ...error.details, lock: name },
      cause: error,
    },
  );
}

async function refuseConflict(
  ports: LockPorts,
  mode: LockMode,
  own: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const others = (await readableLocks(ports, signal)).filter(({ name }) => name !== own);
  for (const dead of others.filter(({ state }) => state === 'dead')) await removeDead(ports, dead, signal);
  const conflict = others.find(({ lock, state }) => state !== 'dead' && (mode === 'exclusive' || lock.exclusive));
  if (conflict !== undefined) throw conflictWith(conflict, ports);
}

async function removeDead(ports: LockPorts, dead: FoundLock, signal: AbortSignal): Promise<void> {
  const { name, lock, reason } = dead;
  const what = `The lock of ${holderName(lock)} since ${lock.time}`;
  try {
    if (!(await removeLock(ports, name, signal))) return;
  } catch (error) {
    signal.throwIfAborted();
    ports.logger.log('warn', 'The lock of a dead process could not be removed; it no longer counts.', { name, error });
    return;
  }
  ports.notify({
    code: 'repository.locked',
    message: `${what} was removed: ${reason}.`,
    advice: lock.exclusive
      ? 'That job may have left its work half done; the next prune continues from there.'
      : 'What that job had stored without a restore point of its own is used again or removed by a prune.',
  });
}

function conflictWith({ lock, state, reason }: FoundLock, { files }: LockPorts): StillpointError {
  const how = lock.exclusive ? 'locked for exclusive use' : 'in use';
  const isStale = state === 'stale';
  return new StillpointError(
    'repository.locked',
    `The ${files.title} is ${how} by ${holderName(lock)} since ${lock.time}.`,
    {
      advice: isStale
        ? `That lock looks abandoned: ${reason}. If nothing works on the repository any more, remove it with "stillpoint unlock".`
        : `Wait until that is done; ${reason}. If that process is gone, remove its lock with "stillpoint unlock".`,
      details: { ...lock, isStale },
      cause: undefined,
      retry: 'safe',
    },
  );
}
