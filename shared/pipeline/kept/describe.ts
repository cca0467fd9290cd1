/** What keeping snapshots would do, as a plan: the scripts are made by the same calls as those that run. */
import { displayName } from '../../base/bytes.ts';
import { foreseenConsistency } from '../../domain/consistency.ts';
import { keptBy, mintKeptName } from '../../domain/kept-name.ts';
import type { KeepPlan } from '../../domain/kept-plans.ts';
import { backupPlanId } from '../../domain/plan-id.ts';
import { instantWord } from '../../snapshot/snapshot-set.ts';
import { foreseenHold } from '../foreseen.ts';
import type { Preparation } from '../prepare.ts';
import type { KeepRequest } from './request.ts';

export function describeKeep(
  { host, reason, lifetimeSeconds, pair }: KeepRequest,
  { snapshots, coverage }: Preparation,
): KeepPlan {
  const { run, items, holds, risks } = snapshots;
  const deed = {
    ...{ kind: 'keep-snapshots' as const, host: host.name, set: keptBy(run) },
    paths: coverage.trees.map(({ path }) => displayName(path)).reverse(),
    snapshots: items.map(({ planned }) => ({
      ...planned,
      snapshot: mintKeptName(keptBy(run), planned.volumeId),
    })),
  };
  return {
    ...deed,
    id: backupPlanId(run, { ...deed, reason, lifetimeSeconds, pair, holds: holds.map(({ id }) => id) }),
    basis: 'the host, the configuration',
    steps: items.map(({ lines, planned }) => ({
      does: [lines.create, `give ${planned.snapshot} its marks and the name under which it stays`],
    })),
    consistency: foreseenConsistency(items.map(instantWord), holds.map(foreseenHold)),
    rollback: `"stillpoint snapshot remove ${host.name} ${run}" removes them. Nothing on the host does that by itself, also when their time is over.`,
    risks: [...coverage.notes, ...risks],
  };
}
