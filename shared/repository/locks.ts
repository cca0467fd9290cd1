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
import { hostname, userInfo } from 'node:os';
import { cleanupSignal } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { decodeLock, encodeLock, type LockFile } from './format/lock-file.ts';
import { timestampFromDate, timestampToDate } from './format/timestamp.ts';
import type { LockMode, RepositoryLock } from './repository.ts';
import type { StoredFiles } from './stored-files.ts';

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
} as const;

export interface LockPorts {
  readonly files: StoredFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

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

class HeldLock implements RepositoryLock {
  readonly mode: LockMode;
  readonly #ports: LockPorts;
  readonly #lost = new AbortController();
  #name: string | undefined;
  #renewedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #isBusy = false;
  #isReleased = false;

  constructor(ports: LockPorts, mode: LockMode) {
    this.#ports = ports;
    this.mode = mode;
  }

  get name(): string | undefined {
    return this.#name;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  assertHeld(): void {
    if (!this.#isReleased && this.#ageMs() > LOCK_TIMES.lostMs) this.#lose('it could not be renewed in time');
    this.#lost.signal.throwIfAborted();
    if (this.#isReleased) throw lockLost(this.#ports, 'it was given back already');
  }

  /** The new file is there before the old one goes, so that the lock never has a gap. */
  async renew(signal: AbortSignal): Promise<void> {
    const now = this.#ports.clock.now();
    const old = this.#name;
    const content = encodeLock({ time: timestampFromDate(now), exclusive: this.mode === 'exclusive', ...ourselves() });
    this.#name = await this.#ports.files.save('locks', content, signal);
    this.#renewedAt = now.getTime();
    if (old !== undefined) await this.#ports.files.remove('locks', old, signal);
  }

  keepFresh(): void {
    this.#timer = setInterval(() => {
      if (!this.#isBusy) this.#work = this.#tick();
    }, LOCK_TIMES.tickMs);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    this.#isBusy = true;
    try {
      if (this.#ageMs() > LOCK_TIMES.lostMs) return this.#lose('it could not be renewed in time');
      if (this.#ageMs() < LOCK_TIMES.refreshMs) return;
      const signal = cleanupSignal();
      if (!(await this.#isThere(signal))) return this.#lose('somebody removed it');
      await this.renew(signal);
    } catch (error) {
      this.#ports.logger.log('warn', 'The lock of the repository could not be renewed yet.', { error });
    } finally {
      this.#isBusy = false;
    }
  }

  async #isThere(signal: AbortSignal): Promise<boolean> {
    const names = await this.#ports.files.listNames('locks', signal);
    return this.#name !== undefined && names.includes(this.#name);
  }

  #ageMs(): number {
    return this.#ports.clock.now().getTime() - this.#renewedAt;
  }

  #lose(why: string): void {
    clearInterval(this.#timer);
    this.#lost.abort(lockLost(this.#ports, why));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearInterval(this.#timer);
    await this.#work;
    if (this.#name === undefined) return;
    // Never hides the error that ended the work: a lock that stays is recognised as stale.
    await this.#ports.files.remove('locks', this.#name, cleanupSignal()).catch((error: unknown) => {
      if (isStillpointError(error, 'backend.not-found')) return;
      this.#ports.logger.log('warn', 'The lock of the repository could not be removed.', { error });
    });
  }
}

function ourselves(): Omit<LockFile, 'time' | 'exclusive'> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  return { hostname: hostname(), username: userName(), pid: process.pid, uid, gid };
}

/** Empty where the user has no entry in the system's list, as in some containers. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

function lockLost({ files }: LockPorts, why: string): StillpointError {
  return new StillpointError(
    'repository.lock-lost',
    `Our lock on the repository at ${files.backend.properties.location} has gone: ${why}.`,
    {
      advice:
        'Nothing more is written, because somebody may be removing data. Earlier restore points are whole. Start again.',
      cause: undefined,
      retry: 'safe',
    },
  );
}
