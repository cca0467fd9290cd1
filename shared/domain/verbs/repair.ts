/** The repair: what can be brought back of a damaged repository is brought back, or only planned. */
import type { RepositoryName } from '../names.ts';
import type { PlanId } from '../plan-id.ts';
import type { RepairPlan, RepairScope } from '../repair-plan.ts';
import { aboutFiles, aboutUnsure, changesFiles, listed, storeOf } from '../store-ends.ts';
import { defineVerb } from './definition.ts';

export interface RepairJobRequest {
  readonly kind: 'repair';
  readonly repository: RepositoryName;
  readonly scope: RepairScope;
  /** Without it only the plan is made: finding what is damaged may take as long as a verify. */
  readonly apply: boolean;
  readonly plan?: PlanId | undefined;
}

export interface RepairReport {
  readonly kind: 'repair';
  readonly plan: RepairPlan;
  /** Whether the plan was carried out; a plan without work never is. */
  readonly applied: boolean;
}

export const REPAIR = defineVerb<RepairJobRequest, RepairReport>()({
  phases: { open: 'end-tells', plan: 'end-tells', repair: 'end-tells' },
  changes: ['repository'],
  describe: ({ scope, repository }) => `repair of the ${scope.part} of "${repository}"`,
  places: ({ repository }) => ({ repositories: [repository] }),
  aboutData: ({ repository }, facts) => {
    const store = storeOf(facts, repository);
    const { pointsSaved, pointsRemoved } = store;
    const points = [
      ...(pointsSaved.length === 0 ? [] : [`It had saved the restore points ${listed(pointsSaved)}.`]),
      ...(pointsRemoved.length === 0 ? [] : [`It had removed the restore points ${listed(pointsRemoved)}.`]),
    ];
    const isOfPoints = points.length > 0 && !changesFiles(store);
    return [...points, ...(isOfPoints ? aboutUnsure(store) : aboutFiles(store, 'The same repair'))];
  },
});
