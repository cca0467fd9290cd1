/**
 * A lock for those who only read. It keeps a prune from removing what is being read; what is read is proved in any case,
 * so without it reading can fail and never be wrong. Therefore a place that takes no new file (full, read-only, not
 * ours to write in) can be read all the same, and that is said. A conflicting lock of another process counts.
 */
import { never } from '../../base/cancel.ts';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { ReadLock, ReadLockOptions, RepositoryLock } from '../repository.ts';
import type { LockPorts } from './held-lock.ts';
import { acquireLock } from './locks.ts';

const MEANING =
  'Nothing keeps a prune from removing what is being read. That would end in an error or in something missing, which is named, and never in wrong data; then read again.';

/** Errors: `repository.locked`, and those of a place that does not answer. */
export async function lockForReading(
  ports: LockPorts,
  { noLock, whenLost = 'stop' }: ReadLockOptions,
  signal: AbortSignal,
): Promise<ReadLock> {
  if (noLock === true) return goWithout(ports, 'as asked.');
  try {
    const held = await acquireLock(ports, 'shared', signal);
    return whenLost === 'stop' ? { ...readLock(held), signal: held.signal } : outlive(ports, held);
  } catch (error) {
    signal.throwIfAborted();
    if (noLock === false && isStillpointError(error, 'repository.locked')) throw withWayAround(error);
    if (!isRefused(error)) throw error;
    return goWithout(ports, `since none can be taken. ${error.message}`);
  }
}

function withWayAround(error: StillpointError): StillpointError {
  return new StillpointError(error.code, error.message, {
    advice: `${error.advice} To read all the same, add --no-lock: ${MEANING}`,
    details: error.details,
    cause: error,
    retry: error.retry,
  });
}

/** The place answers, and takes no lock. */
function isRefused(error: unknown): error is StillpointError {
  return (
    isStillpointError(error, 'backend.denied') ||
    isStillpointError(error, 'backend.no-space') ||
    isStillpointError(error, 'backend.not-found') ||
    isStillpointError(error, 'backend.failed')
  );
}

function goWithout(ports: LockPorts, why: string): ReadLock {
  const absence = `The ${ports.files.title} is read without a lock, ${why}`;
  ports.notify({ code: 'repository.no-lock', message: absence, advice: MEANING });
  return { signal: never, absence: `${absence} ${MEANING}`, [Symbol.asyncDispose]: async () => undefined };
}

function outlive(ports: LockPorts, held: RepositoryLock): ReadLock {
  const tell = (): void => {
    const { message } = held.signal.reason as StillpointError;
    ports.notify({
      code: 'repository.lock-lost',
      message: `${message} Reading continues without it.`,
      advice: MEANING,
    });
  };
  held.signal.addEventListener('abort', tell, { once: true });
  return readLock(held);
}

function readLock(held: RepositoryLock): ReadLock {
  return { signal: never, absence: undefined, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
}
