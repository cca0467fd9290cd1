/** Sizes, in the way that was asked for. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { PointShare, Stats } from '../../shared/domain/stats.ts';
import { type Column, renderFacts, renderTable } from './table.ts';
import { counted, formatCount, formatTime, type Paint } from './text.ts';

const SHARES: readonly Column<PointShare>[] = [
  { title: 'ID', cell: (point) => point.restorePoint.slice(0, 8) },
  { title: 'TIME', cell: (point) => formatTime(point.time) },
  { title: 'HOST', cell: (point) => point.hostname },
  { title: 'BLOBS ALONE', align: 'right', cell: (point) => formatCount(point.blobsAlone) },
  { title: 'ALONE', align: 'right', cell: (point) => formatBytes(point.bytesAlone) },
];

export function renderStats(stats: Stats, paint: Paint): string {
  switch (stats.mode) {
    case 'restore-size':
      return renderFacts([
        ['restore points', formatCount(stats.restorePoints)],
        ['restored', `${formatBytes(stats.bytes)} in ${counted(stats.files, 'file')}`],
        ['and', `${counted(stats.folders, 'folder')}, ${counted(stats.others, 'other')}`],
      ]);
    case 'raw-data':
      return renderFacts([
        ['restore points', formatCount(stats.restorePoints)],
        ['stored', `${formatBytes(stats.bytes)}, ${formatBytes(stats.bytesUncompressed)} before compression`],
        ['blobs', `${formatCount(stats.dataBlobs)} data, ${formatCount(stats.treeBlobs)} tree`],
      ]);
    case 'unique-files':
      return renderFacts([
        ['restore points', formatCount(stats.restorePoints)],
        ['different files', `${formatCount(stats.files)}, ${formatBytes(stats.bytes)}`],
      ]);
    case 'by-point':
      return `${renderTable(SHARES, stats.points, paint)}Shared by two or more: ${formatBytes(stats.bytesShared)}. ALONE is what forgetting that one restore point and pruning with --max-unused 0 would free.\n`;
  }
}
