/** The locks that are there, each judged. */
import { isStillpointError, type StillpointError } from '../../base/errors.ts';
import type { StoredFile } from '../backend/backend.ts';
import { decodeLock, type LockFile } from '../format/lock-file.ts';
import { isId } from '../ids.ts';
import type { LockPorts } from './held-lock.ts';
import { type Judgement, judgeLock } from './judge-lock.ts';

export interface FoundLock extends Judgement {
  readonly name: string;
  readonly lock: LockFile;
}

/**
 * A lock that cannot be read counts, since it may be that of a job at work.
 * @param onUnreadable is given locks that cannot be read; without it they are an error
 */
export async function listLocks(
  ports: LockPorts,
  signal: AbortSignal,
  onUnreadable?: (name: string, error: StillpointError) => void,
): Promise<FoundLock[]> {
  const found: FoundLock[] = [];
  for await (const { name, sizeBytes } of lockFiles(ports, signal)) {
    // A store without atomic writes may keep an empty file from an interrupted one; restic passes over it too.
    if (!isId(name) || sizeBytes === 0) continue;
    try {
      const lock = await readLock(ports, name, signal);
      if (lock !== undefined) found.push({ name, lock, ...(await judgeLock(lock, ports.clock.now())) });
    } catch (error) {
      if (onUnreadable === undefined || !isUnreadable(error)) throw error;
      onUnreadable(name, error);
    }
  }
  return found;
}

/** A copy of a repository loses its empty folder of locks; taking a lock makes it again. */
export async function* lockFiles({ files }: LockPorts, signal: AbortSignal): AsyncIterable<StoredFile> {
  try {
    yield* files.backend.list('locks', signal);
  } catch (error) {
    if (!isStillpointError(error, 'backend.not-found')) throw error;
  }
}

/** Undefined when it is gone, given back since it was listed. */
export async function readLock({ files }: LockPorts, name: string, signal: AbortSignal): Promise<LockFile | undefined> {
  try {
    return decodeLock(await files.load('locks', name, signal), `lock ${name.slice(0, 8)}`);
  } catch (error) {
    if (isStillpointError(error, 'backend.not-found')) return undefined;
    throw error;
  }
}

/** The store answered, and the answer is not a lock that we understand; or it keeps this one file from us. */
function isUnreadable(error: unknown): error is StillpointError {
  return (
    isStillpointError(error, 'repository.damaged') ||
    isStillpointError(error, 'repository.unsupported') ||
    isStillpointError(error, 'backend.denied')
  );
}

/** False when it was gone already. */
export async function removeLock({ files }: LockPorts, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await files.remove('locks', name, signal);
    return true;
  } catch (error) {
    if (isStillpointError(error, 'backend.not-found')) return false;
    throw error;
  }
}
