/** What a restore brought back, for people. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { StreamReport } from '../../shared/domain/point-stream.ts';
import type { LeftByPatterns, RestoreReport, SkippedEntries } from '../../shared/domain/verbs/restore.ts';
import { renderList } from './result.ts';
import { renderFacts } from './table.ts';
import { counted, type Paint, shown } from './text.ts';

export function renderRestore(report: RestoreReport, paint: Paint): string {
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
  return (
    head +
    renderFacts(facts) +
    renderMissing(
      leftOut,
      paint,
      'is missing, or there without its content',
      'are missing, or there without their content',
    ) +
    renderByPatterns(byPatterns, paint) +
    renderList(paint('yellow', 'Not kept'), lost) +
    renderList(paint('yellow', title(renamed.count, 'has another name', 'have other names')), others, renamed.count)
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
