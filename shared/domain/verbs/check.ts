/** The check: is the structure of a repository sound? Its content is not read; that is what `verify` is for. */
import type { Finding } from '../finding.ts';
import type { RepositoryName } from '../names.ts';
import { defineVerb } from './definition.ts';

export interface CheckJobRequest {
  readonly kind: 'check';
  readonly repository: RepositoryName;
  /** Also compare the header of every pack with the index. */
  readonly headers?: boolean;
  /** What is only read is read without a lock, also where one could be taken. */
  readonly noLock?: boolean;
}

/** What is counted in a repository that is looked at. */
export interface CheckFigures {
  readonly packs: number;
  readonly blobs: number;
  readonly restorePoints: number;
  readonly bytesRead: number;
  readonly findings: readonly Finding[];
}

export interface CheckReport extends CheckFigures {
  readonly kind: 'check';
}

export const CHECK = defineVerb<CheckJobRequest, CheckReport>()({
  phases: { open: 'end-tells', check: 'end-tells' },
  changes: [],
  describe: ({ repository }) => `check of "${repository}"`,
  places: ({ repository }) => ({ repositories: [repository] }),
  aboutData: () => ['It changed nothing.'],
});
