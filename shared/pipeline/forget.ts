/**
 * Forgetting restore points, by keep rules or by name. Only their own small files are removed; the data that nothing
 * needs any more stays until a prune.
 *
 * Applying happens under an exclusive lock: the plan is made again, and where it is not the one that was approved,
 * nothing is changed. With a prune, that is planned before the first removal too, so that a repository in which a prune
 * must not be done is found out while all is there.
 *
 * Crash story: restore points go one after the other, oldest first; each is either there or not. What was not reached
 * stays, and the same command continues with it.
 */
import { type ForgetPlan, type ForgetRequest, forgetPlan } from '../domain/forget-plan.ts';
import type { ConfiguredNames } from '../domain/known-names.ts';
import { requireApproved } from '../domain/plan.ts';
import { type PlanId, planIdOf } from '../domain/plan-id.ts';
import { canonicalPrune, changesNothing, type PruneOptions } from '../domain/prune-plan.ts';
import type { ForgetReport } from '../domain/verbs/forget.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import { type PreparedPrune, planPrune } from '../repository/prune/plan.ts';
import { phases } from './backup/phases.ts';
import { canonicalSelection } from './forget/canonical-selection.ts';
import { chooseForgotten } from './forget/choose.ts';
import { inFiles, type MaintenancePorts } from './maintenance.ts';
import { prunePrepared } from './prune.ts';
import { openResources } from './resources.ts';

type ForgetSettings = Omit<ForgetRequest, 'repository'>;

export interface ForgetPorts extends MaintenancePorts {
  readonly configured: ConfiguredNames;
}

/** Changes nothing. With a prune it takes a shared lock while it looks, so that no other prune runs meanwhile. */
export async function planForgetting(
  settings: ForgetSettings,
  ports: Omit<ForgetPorts, 'emit'>,
  signal: AbortSignal,
): Promise<ForgetPlan> {
  await using repository = await ports.openRepository(signal);
  await using lock = settings.prune === undefined ? undefined : await repository.lockForReading(signal);
  const held = lock === undefined ? signal : AbortSignal.any([signal, lock.signal]);
  return (await prepare(repository, settings, ports, held)).plan;
}

export async function forget(
  { plan: approved, ...settings }: ForgetSettings & { readonly plan?: PlanId | undefined },
  ports: ForgetPorts,
  signal: AbortSignal,
): Promise<ForgetReport> {
  const phase = phases<'forget'>(ports.emit, ports.clock, signal);
  await using resources = openResources(ports.emit);
  const { repository, lock } = await phase('open', async () => {
    const opened = resources.use(await ports.openRepository(signal));
    return { repository: opened, lock: resources.use(await opened.lock('exclusive', signal)) };
  });
  const held = AbortSignal.any([signal, lock.signal]);
  const { plan, prune } = await phase('plan', () => prepare(repository, settings, ports, held));
  requireApproved(approved, plan);

  await phase('forget', async () => {
    for (const [done, id] of plan.forget.entries()) {
      await repository.removeRestorePoint(id, lock, held);
      ports.emit({ type: 'progress', phase: 'forget', ...inFiles(done + 1, plan.forget.length) });
    }
  });
  const pruned = prune === undefined ? undefined : await prunePrepared(repository, prune, lock, ports, held);
  const { id, forget: forgotten, keep: kept, notes, unreadable } = plan;
  return { kind: 'forget', plan: id, forgotten, kept, notes, unreadable, prune: pruned };
}

interface Prepared {
  readonly plan: ForgetPlan;
  /** Absent where there is nothing to prune. */
  readonly prune: PreparedPrune | undefined;
}

async function prepare(
  repository: OpenedRepository,
  { selection, prune: options }: ForgetSettings,
  { clock, configured }: Pick<ForgetPorts, 'clock' | 'configured'>,
  signal: AbortSignal,
): Promise<Prepared> {
  const frame = { title: repository.title, now: clock.now(), configured };
  const chosen = chooseForgotten(await repository.listRestorePoints(signal), selection, frame);
  const prepared = options && (await preparePrune(repository, options, chosen.forget, signal));
  const content = { ...chosen, prune: prepared?.plan };
  const pruned = prepared?.plan.id;
  const id = planIdOf({ repository: repository.id, selection: canonicalSelection(selection), ...chosen, pruned });
  const isNeeded = prepared !== undefined && !changesNothing(prepared.plan);
  return { plan: forgetPlan(id, content), prune: isNeeded ? prepared : undefined };
}

function preparePrune(
  repository: OpenedRepository,
  options: PruneOptions,
  forgotten: readonly string[],
  signal: AbortSignal,
): Promise<PreparedPrune> {
  return planPrune(repository, { ...canonicalPrune(options), without: new Set(forgotten) }, signal);
}
