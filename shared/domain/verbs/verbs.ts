/**
 * All verbs. What a job is asked and what it reports, and the phases it goes through, follow from this table. Whatever
 * else depends on the kind of a job stands in a table with a line for each: `shared/jobs/` has one of schemas and one
 * of what runs, each shell has one of what it shows. A test refuses other choices by kind.
 */
import { BACKUP } from './backup.ts';
import { CHECK } from './check.ts';
import { COPY } from './copy.ts';
import type { VerbDefinition } from './definition.ts';
import { DROP } from './drop.ts';
import { EXPORT } from './export.ts';
import { FORGET } from './forget.ts';
import { KEEP } from './keep.ts';
import { PRUNE } from './prune.ts';
import { REPAIR } from './repair.ts';
import { RESTORE } from './restore.ts';
import { SWEEP } from './sweep.ts';
import { VERIFY } from './verify.ts';

export const VERBS = {
  backup: BACKUP,
  export: EXPORT,
  restore: RESTORE,
  check: CHECK,
  verify: VERIFY,
  copy: COPY,
  sweep: SWEEP,
  'keep-snapshots': KEEP,
  'drop-snapshots': DROP,
  forget: FORGET,
  prune: PRUNE,
  repair: REPAIR,
} as const;

type Verbs = typeof VERBS;
export type JobKind = keyof Verbs;

type TypesOf = {
  readonly [K in JobKind]: Verbs[K] extends VerbDefinition<infer Request, infer Report, infer Phase>
    ? { readonly request: Request; readonly report: Report; readonly phase: Phase }
    : never;
};
export type RequestOf<K extends JobKind> = TypesOf[K]['request'];
export type ReportOf<K extends JobKind> = TypesOf[K]['report'];
export type PhaseOf<K extends JobKind> = TypesOf[K]['phase'];

/** What a job is to do. Plain JSON: it is written to disk before the runner starts. */
export type JobRequest = RequestOf<JobKind>;
/** What a finished job proved, in figures. Everything in it was measured or counted, nothing is assumed. */
export type JobResult = ReportOf<JobKind>;
export type Phase = PhaseOf<JobKind>;

/** The definition of the verb of a request or a result. */
export const verbOf = ({ kind }: { readonly kind: JobKind }): VerbDefinition<JobRequest, JobResult, Phase> =>
  VERBS[kind];

/** Whether a job that ended well is without something that was asked of it; its report names what. */
export const isPartial = (result: JobResult | undefined): boolean =>
  result !== undefined && verbOf(result).isPartial?.(result) === true;

/** The id of the restore point that a job has made. */
export const madePoint = (result: JobResult | undefined): string | undefined =>
  result && verbOf(result).madePoint?.(result);
