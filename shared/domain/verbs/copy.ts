/** The copy: restore points of one repository in a second one. */
import { StillpointError } from '../../base/errors.ts';
import type { RepositoryName } from '../names.ts';
import type { PointFilter } from '../point-filter.ts';
import { aboutUnsure, counted, storeOf, were } from '../store-ends.ts';
import { defineVerb } from './definition.ts';

export interface CopyJobRequest {
  readonly kind: 'copy';
  readonly from: RepositoryName;
  readonly to: RepositoryName;
  /** Ids, starts of ids, or "latest"; none means all that fit the filter. */
  readonly restorePoints: readonly string[];
  readonly filter: PointFilter;
  /** For the repository that is read; see `CheckJobRequest`. */
  readonly noLock?: boolean;
}

export interface CopyReport {
  readonly kind: 'copy';
  /** Names of the repositories. */
  readonly from: string;
  readonly to: string;
  /** Ids of restore points, in the one and in the other repository. */
  readonly copied: readonly { readonly source: string; readonly copy: string }[];
  /** Restore points that the other repository had as copies before. */
  readonly alreadyThere: number;
  readonly failed: readonly { readonly restorePoint: string; readonly reason: string }[];
  /** Content that was read of the source, as it is stored there. */
  readonly bytesRead: number;
  /** What the other repository grew by. */
  readonly bytesStored: number;
  readonly blobsNew: number;
}

export const COPY = defineVerb<CopyJobRequest, CopyReport>()({
  phases: { open: 'end-tells', copy: 'end-tells' },
  changes: ['repository'],
  describe: ({ from, to }) => `copy from "${from}" to "${to}"`,
  places: ({ from, to }) => ({ repositories: [from, to] }),
  // It would find all there and look like a second copy.
  refuse({ from, to }, [source, target]) {
    if (source?.location !== target?.location) return;
    const both = from === to ? `"${from}" is named as both` : `"${from}" and "${to}" lie at the same place`;
    throw new StillpointError('usage.invalid', `A repository is not copied onto itself: ${both}.`, {
      advice: 'Name another repository to copy to; "stillpoint init" makes one.',
      details: { from, to },
      cause: undefined,
    });
  },
  aboutData: ({ to }, facts) => {
    const store = storeOf(facts, to);
    const { pointsSaved, packsSaved } = store;
    const unsure = aboutUnsure(store);
    const copied = were(pointsSaved.length, 'restore point');
    if (pointsSaved.length > 0)
      return [`${copied} copied to "${to}" before that; copying again continues from there.`, ...unsure];
    if (unsure.length > 0) return unsure;
    const kept = `What it had stored (${counted(packsSaved, 'pack')}) stays there until a prune.`;
    return [`No restore point was copied to "${to}".`, ...(packsSaved === 0 ? [] : [kept])];
  },
});
