/**
 * Repairing a repository: `shared/repository/repair/` plans and does it; here is the frame of lock, phases and report.
 * A plan alone is made under a shared lock and changes nothing. What was approved is compared with a plan that is made
 * anew under the exclusive lock.
 */
import { requireApproved } from '../domain/plan.ts';
import type { RepairJobRequest, RepairReport } from '../domain/verbs/repair.ts';
import type { Phase } from '../domain/verbs/verbs.ts';
import { planRepair } from '../repository/repair/plan-repair.ts';
import { phases } from './backup/phases.ts';
import { inFiles, type MaintenancePorts } from './maintenance.ts';
import { openResources } from './resources.ts';

export async function repair(
  { scope, apply, plan: approved }: Omit<RepairJobRequest, 'kind' | 'repository'>,
  ports: MaintenancePorts,
  signal: AbortSignal,
): Promise<RepairReport> {
  const phase = phases<'repair'>(ports.emit, ports.clock, signal);
  await using resources = openResources(ports.emit);
  const { repository, lock, lost } = await phase('open', async () => {
    const opened = resources.use(await ports.openRepository(signal));
    if (!apply) {
      const reading = resources.use(await opened.lockForReading(signal));
      return { repository: opened, lock: undefined, lost: reading.signal };
    }
    const exclusive = resources.use(await opened.lock('exclusive', signal));
    return { repository: opened, lock: exclusive, lost: exclusive.signal };
  });
  const held = AbortSignal.any([signal, lost]);
  const progressIn =
    (step: Phase) =>
    (done: number, total: number): void =>
      ports.emit({ type: 'progress', phase: step, ...inFiles(done, total) });
  const prepared = await phase('plan', () =>
    planRepair(repository, scope, { signal: held, onProgress: progressIn('plan') }),
  );
  const { plan } = prepared;
  requireApproved(approved, plan);
  const isNeeded = plan.writes.length + plan.removes.length > 0;
  if (lock !== undefined && isNeeded) {
    await phase('repair', () => prepared.apply({ lock, signal: held, onProgress: progressIn('repair') }));
  }
  return { kind: 'repair', plan, applied: apply && isNeeded };
}
