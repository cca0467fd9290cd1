/** Examples of differences, of what was found, and of sizes. */
import type { DiffChange, DiffSummary } from '../../shared/domain/diff.ts';
import type { FindMatch } from '../../shared/domain/find.ts';
import type { FileEntry } from '../../shared/domain/restore-point.ts';
import type { ByPointStats } from '../../shared/domain/stats.ts';
import { foreignPoint, sampleEntries, samplePoint } from './sample-data.ts';

const change = (kind: DiffChange['change'], path: string, more: Partial<DiffChange> = {}): DiffChange => ({
  change: kind,
  path,
  kind: 'file',
  kindBefore: undefined,
  ...more,
});

export const sampleChanges: readonly DiffChange[] = [
  change('content', '/var/lib/mysql/ibdata1'),
  change('added', '/var/lib/mysql/shop', { kind: 'dir' }),
  change('added', '/var/lib/mysql/shop/orders.ibd'),
  change('removed', '/var/lib/mysql/old.sock', { kind: 'socket' }),
  change('metadata', '/var/lib/mysql/my.cnf'),
  change('type', '/var/lib/mysql/latest', { kind: 'symlink', kindBefore: 'file' }),
];

export const sampleDiff: DiffSummary = {
  before: foreignPoint.id,
  after: samplePoint.id,
  changedFiles: 1,
  added: { files: 1, folders: 1, others: 0, dataBlobs: 12, treeBlobs: 3, bytes: 12_582_912 },
  removed: { files: 0, folders: 0, others: 1, dataBlobs: 4, treeBlobs: 2, bytes: 4_194_304 },
  isExact: false,
};

const entry = (index: number): FileEntry => sampleEntries[index] as FileEntry;

export const sampleMatches: readonly FindMatch[] = [
  {
    restorePoint: samplePoint.id,
    time: samplePoint.time,
    hostname: samplePoint.hostname,
    path: '/var/lib/mysql/ibdata1',
    entry: entry(1),
  },
  {
    restorePoint: foreignPoint.id,
    time: foreignPoint.time,
    hostname: foreignPoint.hostname,
    path: '/var/lib/mysql/shop',
    entry: entry(0),
  },
];

export const sampleShares: ByPointStats = {
  mode: 'by-point',
  points: [foreignPoint, samplePoint].map(({ id, time, hostname }, index) => ({
    restorePoint: id,
    time,
    hostname,
    blobsAlone: 61 + index * 100,
    bytesAlone: 9_961_472 * (index + 1),
  })),
  bytesShared: 1_073_741_824,
};
