/** The kinds of jobs as this shell shows them: a line for each, and the one choice by kind that it makes. */
import { placeOf } from '../shared/domain/verbs/export.ts';
import type { JobKind, JobRequest, JobResult, ReportOf, RequestOf } from '../shared/domain/verbs/verbs.ts';
import { renderExport } from './render/export.ts';
import { renderDrop, renderKeep } from './render/kept.ts';
import { renderForget, renderPrune } from './render/maintenance.ts';
import { renderRepair } from './render/repair.ts';
import { isInTrouble, renderRestore } from './render/restore.ts';
import { isTrouble, renderBackup, renderCheck, renderCopy, renderSweep, renderVerify } from './render/result.ts';
import { type Paint, shown } from './render/text.ts';

interface VerbEnds {
  /** 8 */
  readonly findings?: string;
  /** 9 */
  readonly partial?: string;
}

/** Methods, so that the line of one kind can be held by the name of all; it is given what is of its own kind. */
interface ShownVerb<Request, Report> {
  /** "backup of shop", "sweep of db1". */
  request(request: Request): string;
  result(report: Report, paint: Paint): string;
  /** Whether a job that ended well has something that a person should look at: it leaves with 8. */
  hasFindings?(report: Report): boolean;
  /** What that is, and what it is to be without something that was asked for; see docs/cli.md. */
  readonly ends?: VerbEnds;
  /** Whether it is a plan, which is what was asked for also where nothing else is printed. */
  isPlan?(report: Report): boolean;
  /** What its phases count; files unless it says so. Phases themselves are shown by their names. */
  readonly counts?: string;
}

const VERBS: { readonly [K in JobKind]: ShownVerb<RequestOf<K>, ReportOf<K>> } = {
  backup: {
    request: ({ source }) => `backup of ${shown(source)}`,
    result: renderBackup,
    hasFindings: ({ skipped }) => skipped.length > 0,
    ends: {
      findings: 'attributes of a file could not be saved',
      partial: 'the restore point is there, without what could not be saved, or with files that are perhaps torn',
    },
  },
  export: {
    request: ({ source, to }) => `export of ${shown(source)} to ${shown(placeOf(to))}`,
    result: renderExport,
    hasFindings: ({ skipped, notKept }) => skipped.length > 0 || notKept.length > 0,
    ends: {
      findings: 'attributes of a file could not be read, or are not kept there',
      partial: 'it is there, without what could not be read, or with files that are perhaps torn',
    },
  },
  restore: {
    request: ({ restorePoint, target }) => `restore of ${shown(restorePoint.slice(0, 8))} to ${shown(target)}`,
    result: renderRestore,
    hasFindings: ({ gaps, plan, isPlan }) => gaps !== undefined || (isPlan === true && isInTrouble(plan)),
    ends: {
      findings:
        'the restore point is itself not whole; with `--dry-run` also where something is in the way, or there is too little room',
      partial: 'entries are not in the folder, or not with their content, or what is there changed meanwhile and stays',
    },
    isPlan: ({ isPlan }) => isPlan === true,
  },
  check: {
    request: ({ repository }) => `check of ${shown(repository)}`,
    result: renderCheck,
    hasFindings: ({ findings }) => findings.some(isTrouble),
    ends: { findings: 'it has findings that are more than good to know' },
  },
  verify: {
    request: ({ repository }) => `verify of ${shown(repository)}`,
    result: renderVerify,
    hasFindings: ({ findings }) => findings.some(isTrouble),
    ends: { findings: 'it has findings that are more than good to know' },
  },
  copy: {
    request: ({ from, to }) => `copy from ${shown(from)} to ${shown(to)}`,
    result: renderCopy,
    hasFindings: ({ failed }) => failed.length > 0,
    ends: { findings: 'a restore point was not copied' },
    counts: 'restore points',
  },
  sweep: {
    request: ({ host }) => `sweep of ${shown(host)}`,
    result: renderSweep,
    hasFindings: ({ kept }) => kept.length > 0,
    ends: { findings: 'something stays, with its reason' },
  },
  'keep-snapshots': { request: ({ host }) => `keeping snapshots of ${shown(host)}`, result: renderKeep },
  'drop-snapshots': {
    request: ({ host }) => `removal of kept snapshots of ${shown(host)}`,
    result: renderDrop,
    ends: { partial: 'a snapshot stays, with its reason' },
    counts: 'snapshots',
  },
  forget: {
    request: ({ repository }) => `forgetting in ${shown(repository)}`,
    result: renderForget,
    hasFindings: ({ unreadable }) => unreadable.length > 0,
    ends: { findings: 'a restore point cannot be read, so that no keep rule looked at it' },
  },
  prune: { request: ({ repository }) => `prune of ${shown(repository)}`, result: renderPrune },
  repair: {
    request: ({ scope, repository }) => `repair of the ${scope.part} of ${shown(repository)}`,
    result: renderRepair,
    hasFindings: ({ plan }) => plan.lost.length + plan.notes.length > 0,
    ends: { findings: 'something is lost, or is left as it is' },
    isPlan: ({ applied }) => !applied,
  },
};

export const shownVerb = ({ kind }: { readonly kind: JobKind }): ShownVerb<JobRequest, JobResult> => VERBS[kind];

export const describeRequest = (request: JobRequest): string => shownVerb(request).request(request);

export const renderResult = (result: JobResult, paint: Paint): string => shownVerb(result).result(result, paint);
