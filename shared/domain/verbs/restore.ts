/** The restore: from a restore point to a folder of this machine. */
import { formatBytes } from '../../base/bytes.ts';
import type { RepositoryName } from '../names.ts';
import type { Overwrite, RestorePlan } from '../restore-plan.ts';
import type { TargetFacts } from '../run-facts.ts';
import { counted } from '../store-ends.ts';
import type { SkippedItem } from './backup.ts';
import { defineVerb } from './definition.ts';

/** What is taken of a restore point, beside the paths that are named. */
export interface PatternChoice {
  /** Patterns as under `exclude` of a source, for paths as they are shown: only what fits one, with all below it. */
  readonly include?: readonly string[];
  /** Not what fits one of these. */
  readonly exclude?: readonly string[];
}

/** What of a restore point is wanted, and from where on. */
export interface WantedPart extends PatternChoice {
  /** Paths inside the restore point; empty means all of it. */
  readonly paths: readonly string[];
  /** So many leading folders are not made; all that is wanted lies in them. */
  readonly strip?: number;
}

export interface RestoreJobRequest extends WantedPart {
  readonly kind: 'restore';
  readonly repository: RepositoryName;
  readonly restorePoint: string;
  readonly target: string;
  /** Lets the target be a folder that is not empty, and says what becomes of what is there; otherwise that is refused. */
  readonly overwrite?: Overwrite;
  /** Only the plan is made; nothing is written. */
  readonly dryRun?: boolean;
  /** Other names for what the target cannot hold; otherwise the restore refuses. */
  readonly rename?: boolean;
  /** See `CheckJobRequest`. */
  readonly noLock?: boolean;
}

export interface RestoreReport {
  readonly kind: 'restore';
  readonly restorePoint: string;
  readonly target: string;
  /** What is in the target. */
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  readonly bytes: number;
  /** Wanted, and not in the target or not with its content. */
  readonly leftOut: SkippedEntries;
  /** In the target, without something that belongs to it. */
  readonly notKept: readonly AttributeLoss[];
  /** Under other names than in the restore point, because the target cannot hold those. */
  readonly renamed: Renamed;
  /** What patterns left out; undefined where there were none. */
  readonly byPatterns?: LeftByPatterns | undefined;
  /** What the restore point itself says of its gaps; undefined where it says of none. */
  readonly gaps: string | undefined;
  /** Where there could be something already, or nothing but it was asked for. */
  readonly plan?: RestorePlan;
  /** Nothing was written. */
  readonly isPlan?: true;
}

export interface LeftByPatterns {
  /** What fits `exclude`, each with the pattern; a folder counts once. */
  readonly excluded: SkippedEntries;
  /** Files and the like that fit no pattern of `include`. */
  readonly notIncluded: number;
}

export interface Renamed {
  readonly count: number;
  /** The first of them: the path in the restore point, and the new last part of it. */
  readonly named: readonly { readonly path: string; readonly name: string }[];
}

export interface SkippedEntries {
  readonly count: number;
  /** The first of them. */
  readonly named: readonly SkippedItem[];
}

/** One kind of loss: "extended attributes (Operation not supported)". */
export interface AttributeLoss {
  readonly what: string;
  readonly entries: number;
  /** Paths of the first of them. */
  readonly examples: readonly string[];
}

export const RESTORE = defineVerb<RestoreJobRequest, RestoreReport>()({
  phases: { open: 'end-tells', plan: 'end-tells', restore: 'end-tells', verify: 'end-tells' },
  changes: ['folder'],
  describe: ({ repository, target }) => `restore from "${repository}" to "${target}"`,
  places: ({ repository }) => ({ repositories: [repository] }),
  aboutData: ({ overwrite }, { target }) => [
    target === undefined
      ? 'Nothing was written.'
      : overwrite === undefined
        ? aboutTarget(target)
        : aboutSharedTarget(target),
  ],
  isPartial: ({ leftOut }) => leftOut.count > 0,
});

function aboutTarget({ path, work, state, files, bytes }: TargetFacts): string {
  switch (state) {
    case 'filling':
      return `What came before that (${counted(files, 'file')}, ${formatBytes(bytes)}) lies in "${work}" and nothing is at its place; remove that folder before you restore there again.`;
    case 'moving':
      return `Of what came, some may be at its place in "${path}", and the rest in "${work}".`;
    case 'filled':
      return `All that came is at its place in "${path}".`;
    case 'dropped':
      return `Nothing of it is in "${path}".`;
  }
}

/** Of one that holds other things: what is in the work folder there is nobody's only copy. */
function aboutSharedTarget(target: TargetFacts): string {
  const { path, work, state } = target;
  const next = `The next restore over what is there removes "${work}".`;
  if (state === 'filling') return `What was there in "${path}" is as it was. ${next}`;
  if (state !== 'moving') return aboutTarget(target);
  return `In "${path}" each file is the old one or the restored one, whole; how far it came is not known. ${next}`;
}
