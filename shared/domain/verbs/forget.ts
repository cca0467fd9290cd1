/** The forget: restore points are removed by keep rules or by name, and where it is asked for a prune follows. */
import type { ForgetRequest } from '../forget-plan.ts';
import type { PlanId } from '../plan-id.ts';
import { aboutFiles, aboutUnsure, changesFiles, listed, storeOf, were } from '../store-ends.ts';
import type { UnreadablePoint } from '../unreadable-point.ts';
import { defineVerb } from './definition.ts';
import { PRUNING, type PruneReport } from './prune.ts';

export interface ForgetJobRequest extends ForgetRequest {
  readonly kind: 'forget';
  readonly plan?: PlanId | undefined;
}

export interface ForgetReport {
  readonly kind: 'forget';
  readonly plan: string;
  /** Ids of restore points, in the order in which they went. */
  readonly forgotten: readonly string[];
  /** Of those that were looked at. */
  readonly kept: number;
  /** As in the plan that was done. */
  readonly notes: readonly string[];
  readonly unreadable: readonly UnreadablePoint[];
  readonly prune: PruneReport | undefined;
}

export const FORGET = defineVerb<ForgetJobRequest, ForgetReport>()({
  phases: { open: 'end-tells', plan: 'end-tells', forget: 'end-tells', ...PRUNING },
  changes: ['repository'],
  describe: ({ repository }) => `forgetting of restore points in "${repository}"`,
  places: ({ repository }) => ({ repositories: [repository] }),
  aboutData: ({ repository }, facts) => {
    const store = storeOf(facts, repository);
    const { pointsRemoved } = store;
    const pruned = changesFiles(store) ? aboutFiles(store, 'The next prune') : aboutUnsure(store);
    const forgotten = `${were(pointsRemoved.length, 'restore point')} forgotten before that: ${listed(pointsRemoved)}.`;
    if (pointsRemoved.length > 0) return [forgotten, ...pruned];
    return pruned.length > 0 ? pruned : ['No restore point was forgotten.'];
  },
});
