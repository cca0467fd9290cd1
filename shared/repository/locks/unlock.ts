/** `unlock`: a person says that no process works on the repository any more. */
import { isStillpointError } from '../../base/errors.ts';
import type { JudgedLock, UnlockReport } from '../../domain/repository-access.ts';
import { isId } from '../ids.ts';
import { lockFiles, readLock, removeLock } from './find-locks.ts';
import type { LockPorts } from './held-lock.ts';
import { describeLock, judgeLock } from './judge-lock.ts';

interface Judged {
  readonly lock: JudgedLock;
  readonly isAbandoned: boolean;
}

/**
 * Removes abandoned locks; with `all` every lock, which only a person may decide, also those that cannot be read. One
 * that cannot be removed is in the report and keeps no other from being removed.
 */
export async function unlock(ports: LockPorts, which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport> {
  const report = { removed: [] as JudgedLock[], kept: [] as JudgedLock[] };
  for await (const { name, sizeBytes } of lockFiles(ports, signal)) {
    if (!isId(name)) continue;
    const judged = await judge(ports, { name, sizeBytes }, signal);
    if (judged === undefined) continue;
    const { lock, isAbandoned } = judged;
    if (which !== 'all' && !isAbandoned) {
      report.kept.push(lock);
      continue;
    }
    try {
      if (await removeLock(ports, name, signal)) report.removed.push(lock);
    } catch (error) {
      signal.throwIfAborted();
      if (!isStillpointError(error)) throw error;
      report.kept.push({ ...lock, reason: `it could not be removed: ${error.message}` });
    }
  }
  return report;
}

async function judge(
  ports: LockPorts,
  { name, sizeBytes }: { readonly name: string; readonly sizeBytes: number },
  signal: AbortSignal,
): Promise<Judged | undefined> {
  const unowned = (reason: string): Judged => ({ lock: { id: name, owner: undefined, reason }, isAbandoned: false });
  if (sizeBytes === 0) return unowned('it is empty and keeps no one out');
  try {
    const lock = await readLock(ports, name, signal);
    if (lock === undefined) return undefined;
    const { state, reason } = await judgeLock(lock, ports.clock.now());
    return { lock: describeLock(name, lock, reason), isAbandoned: state !== 'held' };
  } catch (error) {
    signal.throwIfAborted();
    if (!isStillpointError(error)) throw error;
    return unowned(`it cannot be read, so its owner is unknown: ${error.message}`);
  }
}
