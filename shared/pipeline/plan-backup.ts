/** What a backup of a source, or an export, would do, without doing it. */
import type { BackupPlan, ExportPlan } from '../domain/backup-plan.ts';
import { newRunId, type OwnerId, type RunId } from '../domain/names.ts';
import type { HostSpec } from '../domain/source.ts';
import { DEFAULT_WAIT_SECONDS, turnWords } from '../domain/turn.ts';
import type { ExportTarget } from '../domain/verbs/export.ts';
import { lookForTurns } from '../snapshot/host/turns.ts';
import { sectionOf } from '../snapshot/snapshot-set.ts';
import { describeExport, describePlan, type PlanRequest } from './describe-plan.ts';
import { type Preparation, type PreparePorts, prepare } from './prepare.ts';

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

/** What it would have to wait for if it were begun now; no part of the plan's id. */
async function waitsOf(
  { snapshots }: Preparation,
  { dead, spec: { waitSeconds = DEFAULT_WAIT_SECONDS } }: { readonly dead: readonly RunId[]; readonly spec: HostSpec },
  { host, clock }: PreparePorts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { turns = [] } = sectionOf(snapshots);
  if (turns.length === 0) return [];
  const taken = await host.run(lookForTurns(turns), signal);
  const waits = taken.filter(({ run }) => !dead.some((each) => each === run));
  return waits.map(
    (each) => `At this moment ${turnWords(each, clock.now())}; it is waited for, up to ${waitSeconds} s.`,
  );
}
