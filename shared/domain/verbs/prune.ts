/** The prune: data that no restore point needs is removed from a repository. */
import type { PlanId } from '../plan-id.ts';
import type { PruneFigures, PruneRequest } from '../prune-plan.ts';
import { aboutFiles, storeOf } from '../store-ends.ts';
import { defineVerb } from './definition.ts';

export interface PruneJobRequest extends PruneRequest {
  readonly kind: 'prune';
  readonly plan?: PlanId | undefined;
}

export interface PruneReport {
  readonly kind: 'prune';
  readonly plan: string;
  /** As planned, and done. */
  readonly figures: PruneFigures;
  readonly packsDeleted: number;
  readonly packsWritten: number;
  readonly bytesWritten: number;
}

/** Once it is planned; a forget that prunes goes through them too. */
export const PRUNING = { prove: 'end-tells', repack: 'end-tells', index: 'end-tells', remove: 'end-tells' } as const;

export const PRUNE = defineVerb<PruneJobRequest, PruneReport>()({
  phases: { open: 'end-tells', plan: 'end-tells', ...PRUNING },
  changes: ['repository'],
  describe: ({ repository }) => `prune of "${repository}"`,
  places: ({ repository }) => ({ repositories: [repository] }),
  aboutData: ({ repository }, facts) => aboutFiles(storeOf(facts, repository), 'The next prune'),
});
