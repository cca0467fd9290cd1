/** For runs of which no record is kept. */
import type { RunId } from '../../../shared/domain/names.ts';
import type { OwnRuns } from '../../../shared/pipeline/own-runs.ts';

export function noRuns(dead: readonly RunId[] = []): OwnRuns {
  const nothing = (): Promise<void> => Promise.resolve();
  return { begin: nothing, giveUp: nothing, dead: () => Promise.resolve(dead), swept: nothing };
}
