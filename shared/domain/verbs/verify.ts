/** The verify: is all stored data there and intact? All of it is read, or a share that is named. */
import type { RepositoryName } from '../names.ts';
import type { VerifySubset } from '../verify-subset.ts';
import type { CheckFigures } from './check.ts';
import { defineVerb } from './definition.ts';

export interface VerifyJobRequest {
  readonly kind: 'verify';
  readonly repository: RepositoryName;
  readonly subset?: VerifySubset;
  /** See `CheckJobRequest`. */
  readonly noLock?: boolean;
}

export interface VerifyReport extends CheckFigures {
  readonly kind: 'verify';
  readonly proved?: ProvedContent;
}

/** How much of the content was read and proved. A pack that was not read to its end does not count as read. */
export interface ProvedContent {
  readonly packs: number;
  /** Packs that are there. */
  readonly packsTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  /** Which share was asked for: "3/7", "10 %"; absent where all was. */
  readonly subset: string | undefined;
  /** What the index names and is not there; in neither total. Jobs of earlier versions did not record it. */
  readonly missing?: { readonly packs: number; readonly bytes: number };
  /** Index files that could not be read: how much content only they name is unknown. Recorded as `missing` is. */
  readonly lostIndexes?: number;
}

export const VERIFY = defineVerb<VerifyJobRequest, VerifyReport>()({
  phases: { open: 'end-tells', verify: 'end-tells' },
  changes: [],
  describe: ({ repository }) => `verify of "${repository}"`,
  places: ({ repository }) => ({ repositories: [repository] }),
  aboutData: () => ['It changed nothing.'],
});
