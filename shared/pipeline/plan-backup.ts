/** What a backup of a source would do, without doing it. */
import type { BackupPlan } from '../domain/backup-plan.ts';
import { newRunId, type OwnerId, type RunId } from '../domain/names.ts';
import { describePlan, type PlanRequest } from './describe-plan.ts';
import { type PreparePorts, prepare } from './prepare.ts';

export async function planBackup(
  request: PlanRequest,
  { owner, dead }: { readonly owner: OwnerId; readonly dead: readonly RunId[] },
  ports: PreparePorts,
  signal: AbortSignal,
): Promise<BackupPlan> {
  const prepared = await prepare(request.source, { run: newRunId(), owner }, dead, ports, signal);
  return describePlan(request, prepared, dead, ports.registry);
}
