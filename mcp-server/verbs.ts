/** The kinds of jobs as this shell answers with them: a line for each, and the one choice by kind that it makes. */
import { z } from 'zod';
import { placeOf } from '../shared/domain/verbs/export.ts';
import type { JobKind, JobRequest, JobResult, ReportOf, RequestOf } from '../shared/domain/verbs/verbs.ts';
import {
  backupAnswer,
  backupShape,
  careAnswer,
  careShape,
  checkAnswer,
  checkShape,
  copyAnswer,
  copyShape,
  exportAnswer,
  exportShape,
  keptAnswer,
  keptShape,
  restoreAnswer,
  restoreShape,
  sweepAnswer,
  sweepShape,
} from './shapes/job-result.ts';

/** Methods, so that the line of one kind can be held by the name of all; it is given what is of its own kind. */
interface AnsweredVerb<Request, Report, Answer = unknown> {
  /** The source, restore point, repository or host that it is about. */
  subject(request: Request): string;
  /** What a person types after the verb to do the same. */
  words(request: Request): readonly string[];
  /** Kinds may share one: every shape is in the list of tools, which has to stay small. */
  readonly shape: z.ZodType<Answer, Answer>;
  result(report: Report): Answer;
}

type OfRepository = Extract<JobRequest, { readonly repository: unknown }>;
const repository = {
  subject: (request: OfRepository) => request.repository,
  words: (request: OfRepository) => [request.repository],
};

const ANSWERS = {
  backup: {
    subject: ({ source }) => source,
    words: ({ source }) => [source],
    shape: backupShape,
    result: backupAnswer,
  },
  export: {
    subject: ({ source }) => source,
    words: ({ source, to }) => [
      source,
      ...(to.kind === 'archive' ? ['--tar', to.file] : ['--mirror', placeOf(to)]),
      ...(to.kind === 'archive' && to.overwrite === true ? ['--overwrite'] : []),
      ...(to.kind === 'mirror' && to.keep !== undefined ? ['--keep', String(to.keep)] : []),
    ],
    shape: exportShape,
    result: exportAnswer,
  },
  restore: {
    subject: ({ restorePoint }) => restorePoint,
    words: ({ restorePoint, paths, target }) => [restorePoint, ...paths, '--to', target],
    shape: restoreShape,
    result: restoreAnswer,
  },
  check: { ...repository, shape: checkShape, result: checkAnswer },
  verify: { ...repository, shape: checkShape, result: checkAnswer },
  copy: {
    subject: ({ from }) => from,
    words: ({ from, to, restorePoints }) => ['--from', from, '--to', to, ...restorePoints],
    shape: copyShape,
    result: copyAnswer,
  },
  sweep: { subject: ({ host }) => host, words: ({ host }) => [host], shape: sweepShape, result: sweepAnswer },
  'keep-snapshots': {
    subject: ({ host }) => host,
    words: ({ host, source, paths }) => [host, ...(source === undefined ? paths : ['--source', source])],
    shape: keptShape,
    result: ({ kind, snapshots }) => keptAnswer(kind, { kept: snapshots }),
  },
  'drop-snapshots': {
    subject: ({ host }) => host,
    words: ({ host, choice }) => [host, ...(choice.by === 'ids' ? choice.ids : ['--expired'])],
    shape: keptShape,
    result: ({ kind, removed, left }) => keptAnswer(kind, { removed, left }),
  },
  forget: {
    ...repository,
    shape: careShape,
    result: ({ kind, forgotten, prune }) => careAnswer(kind, { forgotten, prune }),
  },
  prune: { ...repository, shape: careShape, result: (report) => careAnswer(report.kind, { prune: report }) },
  repair: {
    ...repository,
    words: (request) => [request.scope.part, request.repository],
    shape: careShape,
    result: ({ kind, plan: { lost } }) => careAnswer(kind, { lost }),
  },
} satisfies { readonly [K in JobKind]: AnsweredVerb<RequestOf<K>, ReportOf<K>> };

export const JOB_KINDS = Object.keys(ANSWERS) as readonly JobKind[];

export const resultShape = z.union([...new Set(Object.values(ANSWERS).map(({ shape }) => shape))]);

type AnyVerb = AnsweredVerb<JobRequest, JobResult, z.input<typeof resultShape>>;
export const answeredVerb = ({ kind }: { readonly kind: JobKind }): AnyVerb => ANSWERS[kind];
