/** The kinds of jobs in the words of this shell: a line for each, and the one choice by kind that it makes. */
import { formatBytes } from '../shared/base/bytes.ts';
import type { CheckFigures } from '../shared/domain/verbs/check.ts';
import { placeOf } from '../shared/domain/verbs/export.ts';
import {
  type JobKind,
  type JobRequest,
  type JobResult,
  type Phase,
  type PhaseOf,
  type ReportOf,
  type RequestOf,
  verbOf,
} from '../shared/domain/verbs/verbs.ts';
import type { Translate } from './texts/wording.ts';

type Words = (t: Translate) => string;

/** Methods, so that the line of one kind can be held by the name of all; it is given what is of its own kind. */
interface WordedVerb<Request, Report> {
  title(request: Request, t: Translate): string;
  /** What a finished job proved, in one sentence. */
  result(report: Report, t: Translate): string;
  /** As they are shown while it runs. */
  readonly phases: { readonly [P in Phase]?: Words };
}

const OPEN: Words = (t) => t('Opening the repository');
const CONNECT: Words = (t) => t('Connecting');
const PLAN: Words = (t) => t('Planning');
const VERIFY: Words = (t) => t('Reading all stored data');
const PRUNING = {
  prove: (t: Translate) => t('Proving what stays'),
  repack: (t: Translate) => t('Writing what is needed into new packs'),
  index: (t: Translate) => t('Writing the new index'),
  remove: (t: Translate) => t('Deleting packs that nothing needs'),
};

const READING = {
  connect: CONNECT,
  preflight: (t: Translate) => t('Looking at the host'),
  dump: (t: Translate) => t('Taking dumps'),
  arm: (t: Translate) => t('Arming the clean-up on the host'),
  snapshot: (t: Translate) => t('Taking the snapshot'),
  mount: (t: Translate) => t('Mounting the snapshot'),
  list: (t: Translate) => t('Listing files'),
  read: (t: Translate) => t('Reading'),
  'end-check': (t: Translate) => t('Checking that the snapshot stayed valid'),
  release: (t: Translate) => t('Removing the snapshot from the host'),
};

/** Every phase has words. */
type Complete<K extends JobKind> = { readonly phases: Readonly<Record<PhaseOf<K>, Words>> };

const VERBS: { readonly [K in JobKind]: WordedVerb<RequestOf<K>, ReportOf<K>> & Complete<K> } = {
  backup: {
    title: ({ source }, t) => t('Back up "{0}"', source),
    result: ({ restorePoint, files, bytesRead, bytesStored }, t) =>
      t(
        'Restore point {0}: {1} new, {2} changed and {3} unmodified files; {4} read, {5} stored.',
        restorePoint.slice(0, 8),
        files.new,
        files.changed,
        files.unmodified,
        formatBytes(bytesRead),
        formatBytes(bytesStored),
      ),
    phases: { ...READING, commit: (t) => t('Committing the restore point') },
  },
  export: {
    title: ({ source, to }, t) => t('Export "{0}" to "{1}"', source, placeOf(to)),
    result: ({ path, files, bytesTotal, proved }, t) =>
      t(
        '"{0}": {1} files, {2}; {3} files read back and compared.',
        ...[path, files, formatBytes(bytesTotal), proved.files],
      ),
    phases: {
      ...READING,
      verify: (t) => t('Reading back what was written'),
      commit: (t) => t('Giving it its name'),
    },
  },
  restore: {
    title: ({ restorePoint, target }, t) => t('Restore {0} to "{1}"', restorePoint.slice(0, 8), target),
    result: ({ files, folders, others, bytes, target, gaps, leftOut, isPlan }, t) => {
      if (isPlan === true) return t('A dry run of a restore to "{0}".', target);
      const [first] = leftOut.named;
      return [
        t(
          '{0} files, {1} folders and {2} other entries, {3}, restored to "{4}".',
          ...[files, folders, others, formatBytes(bytes), target],
        ),
        ...(first === undefined
          ? []
          : [t('{0} entries are missing; the first is "{1}": {2}.', leftOut.count, first.path, first.reason)]),
        ...(gaps === undefined ? [] : [t('The restore point is not whole: {0}', gaps)]),
      ].join(' ');
    },
    phases: { open: OPEN, plan: PLAN, restore: (t) => t('Restoring'), verify: VERIFY },
  },
  check: {
    title: ({ repository }, t) => t('Check "{0}"', repository),
    result: figures,
    phases: { open: OPEN, check: (t) => t('Checking the structure') },
  },
  verify: {
    title: ({ repository }, t) => t('Verify "{0}"', repository),
    result: figures,
    phases: { open: OPEN, verify: VERIFY },
  },
  copy: {
    title: ({ from, to }, t) => t('Copy from "{0}" to "{1}"', from, to),
    result: ({ copied, alreadyThere, failed, bytesStored }, t) =>
      t(
        '{0} restore points copied, {1} were there, {2} failed; {3} stored.',
        ...[copied.length, alreadyThere, failed.length, formatBytes(bytesStored)],
      ),
    phases: { open: OPEN, copy: (t) => t('Copying restore points') },
  },
  sweep: {
    title: ({ host }, t) => t('Sweep "{0}"', host),
    result: ({ removed, kept }, t) => t('{0} removed, {1} left alone.', removed.length, kept.length),
    phases: { connect: CONNECT, sweep: (t) => t('Removing what was left behind') },
  },
  'keep-snapshots': {
    title: ({ host }, t) => t('Keep snapshots of "{0}"', host),
    result: ({ set, snapshots }, t) => t('{0} snapshots are kept as {1}.', snapshots.length, set),
    phases: {
      ...{ connect: CONNECT, preflight: READING.preflight, arm: READING.arm, snapshot: READING.snapshot },
      keep: (t) => t('Giving the snapshots the names under which they stay'),
      release: (t) => t('Ending the watchman'),
    },
  },
  'drop-snapshots': {
    title: ({ host }, t) => t('Remove kept snapshots of "{0}"', host),
    result: ({ removed, left }, t) => t('{0} removed, {1} left alone.', removed.length, left.length),
    phases: {
      ...{ connect: CONNECT, preflight: READING.preflight },
      drop: (t) => t('Removing kept snapshots'),
    },
  },
  forget: {
    title: ({ repository }, t) => t('Forget restore points in "{0}"', repository),
    result: ({ forgotten, kept }, t) => t('{0} restore points forgotten, {1} kept.', forgotten.length, kept),
    phases: { open: OPEN, plan: PLAN, forget: (t) => t('Forgetting restore points'), ...PRUNING },
  },
  prune: {
    title: ({ repository }, t) => t('Prune "{0}"', repository),
    result: ({ figures: { bytes }, packsDeleted, packsWritten }, t) =>
      t('{0} freed: {1} packs deleted, {2} written.', formatBytes(bytes.freed), packsDeleted, packsWritten),
    phases: { open: OPEN, plan: PLAN, ...PRUNING },
  },
  repair: {
    title: ({ repository }, t) => t('Repair "{0}"', repository),
    result: ({ applied, plan: { writes, removes, lost } }, t) =>
      t(
        '{0} written, {1} removed, {2} lost; the log names each.',
        ...[applied ? writes.length : 0, applied ? removes.length : 0, lost.length],
      ),
    phases: { open: OPEN, plan: PLAN, repair: (t) => t('Repairing') },
  },
};

function figures({ findings, restorePoints, packs, blobs, bytesRead }: CheckFigures, t: Translate): string {
  if (findings.length > 0) return t('{0} findings; the log names each.', findings.length);
  return t(
    '{0} restore points, {1} packs and {2} blobs without a finding; {3} read.',
    ...[restorePoints, packs, blobs, formatBytes(bytesRead)],
  );
}

const wordedVerb = (kind: JobKind): WordedVerb<JobRequest, JobResult> => VERBS[kind];

export const jobTitle = (request: JobRequest, t: Translate): string => wordedVerb(request.kind).title(request, t);

export const resultWords = (result: JobResult, t: Translate): string => wordedVerb(result.kind).result(result, t);

/** A job of another version may have phases that have no words here. */
export const phaseWords = (kind: JobKind, phase: Phase, t: Translate): string =>
  wordedVerb(kind).phases[phase]?.(t) ?? phase;

/** What cancelling does at this moment. What it means is known at the end, and reported then. */
export function cancelWords(kind: JobKind, phase: Phase | undefined, t: Translate): string {
  const { phases } = verbOf({ kind });
  switch (phase === undefined ? undefined : phases[phase]) {
    case 'snapshot-goes':
      return t('Stopping, then removing the snapshot from the host.');
    case 'point-may-stay':
      return t('The restore point may be saved already; then it stays. What is on the host is removed.');
    default:
      return t('Stopping. The job says at its end what it has done.');
  }
}
