/**
 * Pruning a repository: `shared/repository/prune/` plans and does it; here is the frame of lock, phases and report.
 * What was approved is compared with a plan that is made again under the exclusive lock.
 */
import { requireApproved } from '../domain/plan.ts';
import type { PlanId } from '../domain/plan-id.ts';
import { canonicalPrune, changesNothing, type PruneOptions, type PrunePlan } from '../domain/prune-plan.ts';
import type { PruneReport } from '../domain/verbs/prune.ts';
import type { Phase } from '../domain/verbs/verbs.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import { applyPrune } from '../repository/prune/apply.ts';
import { type PreparedPrune, planPrune } from '../repository/prune/plan.ts';
import type { RepositoryLock } from '../repository/repository.ts';
import { phases } from './backup/phases.ts';
import { inFiles, type MaintenancePorts } from './maintenance.ts';
import { openResources } from './resources.ts';

/** Changes no data; a shared lock keeps others from pruning while it looks. */
export async function planPruning(
  options: PruneOptions,
  ports: Pick<MaintenancePorts, 'openRepository'>,
  signal: AbortSignal,
): Promise<PrunePlan> {
  await using repository = await ports.openRepository(signal);
  await using lock = await repository.lockForReading(signal);
  return (await planPrune(repository, canonicalPrune(options), AbortSignal.any([signal, lock.signal]))).plan;
}

export async function prune(
  { options, plan: approved }: { readonly options: PruneOptions; readonly plan?: PlanId | undefined },
  ports: MaintenancePorts,
  signal: AbortSignal,
): Promise<PruneReport> {
  const phase = phases<'prune'>(ports.emit, ports.clock, signal);
  await using resources = openResources(ports.emit);
  const { repository, lock } = await phase('open', async () => {
    const opened = resources.use(await ports.openRepository(signal));
    return { repository: opened, lock: resources.use(await opened.lock('exclusive', signal)) };
  });
  const held = AbortSignal.any([signal, lock.signal]);
  const prepared = await phase('plan', () => planPrune(repository, canonicalPrune(options), held));
  requireApproved(approved, prepared.plan);
  return await prunePrepared(repository, prepared, lock, ports, held);
}

/** The plan must have been made under this very lock. */
export async function prunePrepared(
  repository: OpenedRepository,
  prepared: PreparedPrune,
  lock: RepositoryLock,
  { emit, clock }: MaintenancePorts,
  signal: AbortSignal,
): Promise<PruneReport> {
  const { plan } = prepared;
  const phase = phases<'prune'>(emit, clock, signal);
  const progress = (step: Phase, done: number, total: number): void =>
    emit({ type: 'progress', phase: step, ...inFiles(done, total) });
  const outcome = changesNothing(plan)
    ? undefined
    : await applyPrune(repository, prepared, lock, { observer: { step: phase, progress }, signal });
  return {
    kind: 'prune',
    plan: plan.id,
    figures: plan.figures,
    packsDeleted: outcome?.packsDeleted ?? 0,
    packsWritten: outcome?.packsWritten ?? 0,
    bytesWritten: outcome?.bytesWritten ?? 0,
  };
}
