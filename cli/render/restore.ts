/** What a restore brought back, for people. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { StreamReport } from '../../shared/domain/point-stream.ts';
import type { RestorePlan } from '../../shared/domain/restore-plan.ts';
import type { LeftByPatterns, RestoreReport, SkippedEntries } from '../../shared/domain/verbs/restore.ts';
import { renderList } from './result.ts';
import { renderFacts } from './table.ts';
import { counted, type Paint, shown } from './text.ts';

export function renderRestore(report: RestoreReport, paint: Paint): string {
  if (report.isPlan === true) return renderPlanned(report, paint);
  const { leftOut, notKept, renamed, byPatterns, gaps } = report;
  const verb = leftOut.count === 0 ? paint('green', 'Restored') : paint('red', 'Restored in part:');
  const head = `${verb} ${figures(report)}, to "${shown(report.target)}"\n`;
  const lost = notKept.map(({ what, entries, examples }) => {
    const named = examples.slice(0, 3).map((path) => `"${shown(path)}"`);
    return `${shown(what)}: of ${counted(entries, 'entry', 'entries')}, such as ${named.join(', ')}`;
  });
  const others = renamed.named.map(({ path, name }) => `"${shown(path)}" is now "${shown(name)}"`);
  const facts: [string, string][] = [['from', shown(report.restorePoint)]];
  if (gaps !== undefined) facts.push(['not whole', paint('red', shown(gaps))]);
  const orOld = report.plan === undefined ? '' : ', or as it was before';
  return (
    head +
    renderFacts(facts) +
    renderMissing(
      leftOut,
      paint,
      `is missing, or there without its content${orOld}`,
      `are missing, or there without their content${orOld}`,
    ) +
    renderByPatterns(byPatterns, paint) +
    renderThere(report.plan, paint) +
    renderList(paint('yellow', 'Not kept'), lost) +
    renderList(paint('yellow', title(renamed.count, 'has another name', 'have other names')), others, renamed.count)
  );
}

/** Of a dry run: nothing was written, and this is what would be. */
function renderPlanned({ restorePoint, target, plan, byPatterns, gaps }: RestoreReport, paint: Paint): string {
  if (plan === undefined) return '';
  const { added, overwritten, inTheWay, bytes, room } = plan;
  const facts: [string, string][] = [
    ['from', shown(restorePoint)],
    [
      'new',
      `${counted(added.files, 'file')}, ${counted(added.folders, 'folder')} and ${counted(added.others, 'other')}`,
    ],
    ['overwritten', counted(overwritten.count, 'entry', 'entries')],
    ['to write', formatBytes(bytes)],
    ['free', room === undefined ? 'not known' : isShort(plan) ? paint('red', formatBytes(room)) : formatBytes(room)],
  ];
  if (gaps !== undefined) facts.push(['not whole', paint('red', shown(gaps))]);
  const obstacles = inTheWay.named.map(({ path, reason }) => `"${shown(path)}": ${shown(reason)}`);
  const title = `in the way of ${counted(inTheWay.count, 'entry', 'entries')}, so it would be refused`;
  return (
    `${paint('green', 'Would restore')} to "${shown(target)}"\n${renderFacts(facts)}` +
    renderList(paint('red', title), obstacles, inTheWay.count) +
    renderThere(plan, paint) +
    renderByPatterns(byPatterns, paint)
  );
}

/** Whether the restore would be refused as it is planned. */
export function isInTrouble(plan: RestorePlan | undefined): boolean {
  return plan !== undefined && (plan.inTheWay.count > 0 || isShort(plan));
}

function isShort({ bytes, room }: RestorePlan): boolean {
  return room !== undefined && bytes > room;
}

/** What was in the folder before. */
function renderThere(plan: RestorePlan | undefined, paint: Paint): string {
  if (plan === undefined) return '';
  const { overwritten, leftAlone } = plan;
  const gone = overwritten.named.map((path) => `"${shown(path)}"`);
  const stays = leftAlone.named.map(({ path, reason }) => `"${shown(path)}": ${shown(reason)}`);
  return (
    renderList(
      paint('yellow', `overwritten: ${counted(overwritten.count, 'entry', 'entries')}`),
      gone,
      overwritten.count,
    ) +
    renderList(paint('yellow', `left alone: ${counted(leftAlone.count, 'entry', 'entries')}`), stays, leftAlone.count)
  );
}

/** What stands on standard error behind a stream on standard output. */
export function renderStream(report: StreamReport, paint: Paint): string {
  const { leftOut, gaps, sockets, byPatterns, withoutLock } = report;
  const verb = leftOut.count === 0 ? paint('green', 'Streamed') : paint('red', 'Streamed in part:');
  const facts: [string, string][] = [['from', shown(report.restorePoint)]];
  if (gaps !== undefined) facts.push(['not whole', paint('red', shown(gaps))]);
  if (sockets > 0) facts.push(['not there', counted(sockets, 'socket')]);
  if (withoutLock !== undefined) facts.push(['no lock', shown(withoutLock)]);
  return `${verb} ${figures(report)}\n${renderFacts(facts)}${renderMissing(leftOut, paint, 'is missing', 'are missing')}${renderByPatterns(byPatterns, paint)}`;
}

function figures({
  files,
  folders,
  others,
  bytes,
}: Pick<StreamReport, 'files' | 'folders' | 'others' | 'bytes'>): string {
  return `${counted(files, 'file')}, ${counted(folders, 'folder')} and ${counted(others, 'other')}, ${formatBytes(bytes)}`;
}

function renderMissing({ count, named }: SkippedEntries, paint: Paint, one: string, many: string): string {
  const missing = named.map(({ path, reason }) => `"${shown(path)}": ${shown(reason)}`);
  return renderList(paint('red', title(count, one, many)), missing, count);
}

/** What patterns kept out was asked for, so it is told and is no fault. */
function renderByPatterns(left: LeftByPatterns | undefined, paint: Paint): string {
  if (left === undefined) return '';
  const { excluded, notIncluded } = left;
  const others = notIncluded === 0 ? '' : `${title(notIncluded, 'fits', 'fit')} no pattern of --include\n`;
  const named = excluded.named.map(({ path, reason }) => `"${shown(path)}": by ${shown(reason)}`);
  return others + renderList(paint('yellow', `${title(excluded.count, 'is', 'are')} excluded`), named, excluded.count);
}

function title(count: number, one: string, many: string): string {
  return counted(count, `entry ${one}`, `entries ${many}`);
}
