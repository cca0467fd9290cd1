/** What was found: the restore point as a heading, then the paths in it. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { FindMatch, FindSummary } from '../../shared/domain/find.ts';
import { formatMode, renderUnreadable } from './points.ts';
import { counted, formatTime, type Paint, shown } from './text.ts';

export function renderHeading({ restorePoint, time, hostname }: FindMatch, paint: Paint): string {
  return `${paint('bold', `${restorePoint.slice(0, 8)}  ${formatTime(time)}  ${shown(hostname)}`)}\n`;
}

export function renderMatch({ path, entry }: FindMatch, long: boolean): string {
  if (!long || entry === undefined) return `  ${shown(path)}\n`;
  const size = entry.kind === 'file' ? formatBytes(entry.sizeBytes) : '-';
  const link = entry.linkTarget === undefined ? '' : ` -> ${shown(entry.linkTarget)}`;
  const owner = `${entry.uid}:${entry.gid}`;
  return `  ${formatMode(entry.kind, entry.mode)}  ${owner}  ${size.padStart(9)}  ${formatTime(entry.mtime)}  ${shown(path)}${link}\n`;
}

export function renderFindSummary({ restorePoints, matches, unreadable }: FindSummary, paint: Paint): string {
  const head = `${counted(matches, 'match', 'matches')} in ${counted(restorePoints, 'restore point')}\n`;
  return head + renderUnreadable(unreadable, paint);
}
