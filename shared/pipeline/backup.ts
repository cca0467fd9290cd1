/**
 * The backup: from a plan to a restore point. `backup/run.ts` is the flow, the repository is its end.
 *
 * Invariants. The repository is open before anything is asked of the host but who we are there, and locked before anything
 * is made on it. The restore point is the last file written.
 *
 * Crash story. Dying before the commit leaves packs that no restore point needs, and a lock that is recognised as
 * stale; dying after it leaves the host to the watchman. In both cases the next run sweeps what is ours.
 */
import { isStillpointError } from '../base/errors.ts';
import type { BackupReport } from '../domain/verbs/backup.ts';
import { openRepositorySink, type RepositorySinkPorts } from './backup/repository-sink.ts';
import type { BackupRequest } from './backup/request.ts';
import { type RunPorts, runOver } from './backup/run.ts';
import { describePlan } from './describe-plan.ts';
import { clearRunJournal } from './resume/run-journal.ts';

export type BackupPorts = RunPorts & RepositorySinkPorts;

/** @param takingUp what becomes of it where the run of another process, which it is to go on with, is over */
export async function backup(
  request: BackupRequest,
  ports: BackupPorts,
  signal: AbortSignal,
  takingUp: 'only' | 'or anew' = 'or anew',
): Promise<BackupReport> {
  const end = {
    openSink: (opening: AbortSignal) => openRepositorySink(ports, opening),
    describe: (prepared: Parameters<typeof describePlan>[1]) =>
      describePlan(request, prepared, { dead: [], registry: ports.registry }),
  };
  const run = (): Promise<BackupReport> => runOver(request, end, ports, signal);
  return await run().catch(async (error: unknown) => {
    if (!isStillpointError(error, 'job.cannot-resume') || ports.journalFolder === undefined) throw error;
    await clearRunJournal(ports.journalFolder);
    await ports.runs.giveUp();
    if (takingUp === 'only') throw error;
    const { code, message } = error;
    ports.emit({ type: 'warning', code, message, advice: 'The backup begins anew.' });
    return await run();
  });
}
