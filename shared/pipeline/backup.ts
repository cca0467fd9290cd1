/**
 * The backup: from a plan to a restore point. `backup/run.ts` is the flow, the repository is its end.
 *
 * Invariants. The repository is open and locked before the host is touched. The restore point is the last file written.
 *
 * Crash story. Dying before the commit leaves packs that no restore point needs, and a lock that is recognised as
 * stale; dying after it leaves the host to the watchman. In both cases the next run sweeps what is ours.
 */
import type { BackupReport } from '../domain/verbs/backup.ts';
import { openRepositorySink, type RepositorySinkPorts } from './backup/repository-sink.ts';
import type { BackupRequest } from './backup/request.ts';
import { type RunPorts, runOver } from './backup/run.ts';
import { describePlan } from './describe-plan.ts';

export type BackupPorts = RunPorts & RepositorySinkPorts;

export function backup(request: BackupRequest, ports: BackupPorts, signal: AbortSignal): Promise<BackupReport> {
  const end = {
    openSink: (opening: AbortSignal) => openRepositorySink(ports, opening),
    describe: (prepared: Parameters<typeof describePlan>[1]) =>
      describePlan(request, prepared, { dead: [], registry: ports.registry }),
  };
  return runOver(request, end, ports, signal);
}
