/** What a backup of a source, or an export, would do, without doing it. */
import type { BackupPlan, ExportPlan } from '../domain/backup-plan.ts';
import { newRunId, type OwnerId, type RunId } from '../domain/names.ts';
import type { ExportTarget } from '../domain/verbs/export.ts';
import { describeExport, describePlan, type PlanRequest } from './describe-plan.ts';
import { waitsOf } from './plan-waits.ts';
import { type PreparePorts, prepare } from './prepare.ts';

interface OwnTraces {
  readonly owner: OwnerId;
  /** Runs that a sweep is going to take. */
  readonly dead: readonly RunId[];
}

export async function planBackup(
  request: PlanRequest,
  { owner, dead }: OwnTraces,
  ports: PreparePorts,
  signal: AbortSignal,
): Promise<BackupPlan> {
  const prepared = await prepare(request.source, { run: newRunId(), owner }, dead, ports, signal);
  const plan = describePlan(request, prepared, { dead, registry: ports.registry });
  return { ...plan, risks: [...plan.risks, ...(await waitsOf(prepared, { dead, spec: request.host }, ports, signal))] };
}

/** The target is not looked at: it is, once more, when the export begins. */
export async function planExport(
  request: PlanRequest & { readonly to: ExportTarget },
  { owner, dead }: OwnTraces,
  ports: PreparePorts,
  signal: AbortSignal,
): Promise<ExportPlan> {
  const prepared = await prepare(request.source, { run: newRunId(), owner }, dead, ports, signal);
  const plan = describeExport(request, prepared, { dead, registry: ports.registry });
  return { ...plan, risks: [...plan.risks, ...(await waitsOf(prepared, { dead, spec: request.host }, ports, signal))] };
}
