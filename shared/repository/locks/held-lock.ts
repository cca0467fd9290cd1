/**
 * A lock that is ours: renewed while it is held, given back at the end, and declared lost rather than trusted when it
 * could not be renewed. See `locks.ts` for the rules.
 */
import { hostname, userInfo } from 'node:os';
import { cleanupSignal } from '../../base/cancel.ts';
import type { Clock } from '../../base/clock.ts';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { identifyProcess } from '../../base/process-identity.ts';
import { encodeLock, type LockFile } from '../format/lock-file.ts';
import type { LockMode, RepositoryLock, RepositoryNotice } from '../repository.ts';
import type { StoredFiles } from '../stored-files.ts';
import { timestampFromDate } from '../timestamp.ts';
import { LOCK_TIMES } from './judge-lock.ts';

export interface LockPorts {
  readonly files: StoredFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly notify: (notice: RepositoryNotice) => void;
}

export class HeldLock implements RepositoryLock {
  readonly mode: LockMode;
  readonly #ports: LockPorts;
  readonly #lost = new AbortController();
  #name: string | undefined;
  /** Files of ours that have to go: the current one at the end, older ones as soon as they can. */
  readonly #outdated = new Set<string>();
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
    if (this.#isReleased) throw lockLost(this.#ports, 'it was released already');
  }

  /** The new file is there before the old one goes, so that the lock never has a gap. */
  async renew(signal: AbortSignal): Promise<void> {
    const now = this.#ports.clock.now();
    const owner = await ourselves();
    const content = encodeLock({ time: timestampFromDate(now), exclusive: this.mode === 'exclusive', ...owner });
    const name = await this.#ports.files.save('locks', content, signal);
    if (this.#name !== undefined) this.#outdated.add(this.#name);
    this.#name = name;
    this.#renewedAt = now.getTime();
    await this.#removeOutdated(signal);
  }

  /**
   * Looked at by the wall clock, again and again as long as the lock is held. No retry (`base/retry.ts`): a renewal that
   * failed is made again at the next tick, and what ends it is the age of the lock, not a number of tries.
   */
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
      // A clock that was set back would make the lock look fresh for as long as it was wrong.
      if (this.#ageMs() >= 0 && this.#ageMs() < LOCK_TIMES.refreshMs) return;
      const signal = cleanupSignal();
      if (!(await this.#isThere(signal))) return this.#lose('another process removed it');
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
    if (this.#name !== undefined) this.#outdated.add(this.#name);
    // Never hides the error that ended the work: a lock that stays is recognised as stale.
    await this.#removeOutdated(cleanupSignal()).catch((error: unknown) => {
      this.#ports.logger.log('warn', 'The lock of the repository could not be removed.', { error });
    });
  }

  async #removeOutdated(signal: AbortSignal): Promise<void> {
    for (const name of this.#outdated) {
      await this.#ports.files.remove('locks', name, signal).catch((error: unknown) => {
        if (!isStillpointError(error, 'backend.not-found')) throw error;
      });
      this.#outdated.delete(name);
    }
  }
}

async function ourselves(): Promise<Omit<LockFile, 'time' | 'exclusive'>> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  return { hostname: hostname(), username: userName(), pid: process.pid, uid, gid, holder: await identifyProcess() };
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
  return new StillpointError('repository.lock-lost', `Our lock on the ${files.title} is gone: ${why}.`, {
    advice: 'Another process may be removing data, so the work stops here. Start again.',
    cause: undefined,
    retry: 'safe',
  });
}
