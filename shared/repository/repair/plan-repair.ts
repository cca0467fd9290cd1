/** The door to the repairs: makes the plan of the part that is wished for. */
import type { RepairScope } from '../../domain/repair-plan.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { type PreparedRepair, planIndexRepair } from './index-repair.ts';
import { planPackRepair } from './pack-repair.ts';
import { planPointRepair } from './point-repair.ts';

export interface PlanOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Reads only. The repository in memory may afterwards be as it would be after the repair; open it anew for other use. */
export function planRepair(
  repository: OpenedRepository,
  scope: RepairScope,
  options: PlanOptions,
): Promise<PreparedRepair> {
  switch (scope.part) {
    case 'index':
      return planIndexRepair(repository, scope, options.signal);
    case 'packs':
      return planPackRepair(repository, scope, options);
    case 'points':
      return planPointRepair(repository, scope, options.signal);
  }
}
