/** The difference of two restore points: a line for each change, then the figures. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { ChangeKind, DiffChange, DiffSide, DiffSummary } from '../../shared/domain/diff.ts';
import { renderFacts } from './table.ts';
import { counted, formatCount, type Paint, shown } from './text.ts';

/** As restic's letters. */
const LETTER: Readonly<Record<ChangeKind, string>> = {
  added: '+',
  removed: '-',
  content: 'M',
  metadata: 'U',
  type: 'T',
};

export function renderChange({ change, path, kind, kindBefore }: DiffChange, paint: Paint): string {
  const line = `${LETTER[change]}  ${shown(path)}${kind === 'dir' ? '/' : ''}`;
  const more = kindBefore === undefined ? '' : `  (${kindBefore} → ${kind})`;
  if (change === 'added') return `${paint('green', line)}\n`;
  return change === 'removed' ? `${paint('red', line)}\n` : `${line}${more}\n`;
}

export function renderDiffSummary(summary: DiffSummary, paint: Paint): string {
  const { before, after, added, removed, changedFiles, isExact } = summary;
  const most = isExact ? '' : 'at most ';
  const side = ({ files, folders, others, bytes, dataBlobs, treeBlobs }: DiffSide): string =>
    `${counted(files, 'file')}, ${counted(folders, 'folder')}, ${counted(others, 'other')}; ${most}${formatBytes(bytes)} in ${formatCount(dataBlobs)} data and ${formatCount(treeBlobs)} tree blobs`;
  const note = isExact ? '' : 'Folders that are the same were not read; --exact reads them for exact figures.\n';
  return `\n${paint('bold', `${shown(before.slice(0, 8))} → ${shown(after.slice(0, 8))}`)}\n${renderFacts([
    ['changed', counted(changedFiles, 'file')],
    ['added', side(added)],
    ['removed', side(removed)],
  ])}${note}`;
}
