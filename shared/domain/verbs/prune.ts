/** The prune: data that no restore point needs is removed from a repository. */
import type { PlanId } from '../plan-id.ts';
import type { PruneFigures, PruneRequest } from '../prune-plan.ts';
import { aboutFiles, storeOf } from '../store-ends.ts';
import type { VerbDefinition } from './definition.ts';

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
export const PRUNING = {
  prove: 'told-at-end',
  repack: 'told-at-end',
  index: 'told-at-end',
  remove: 'told-at-end',
} as const;

const phases = { open: 'told-at-end', plan: 'told-at-end', ...PRUNING } as const;

export const PRUNE: VerbDefinition<PruneJobRequest, PruneReport, keyof typeof phases> = {
  phases,
  changes: ['repository'],
  describe: ({ repository }) => `prune of "${repository}"`,
  places: ({ repository }) => ({ repositories: [repository] }),
  aboutData: ({ repository }, facts) => aboutFiles(storeOf(facts, repository), 'The next prune'),
};
