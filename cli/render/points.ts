/** Restore points and the files in them. */
import { formatBytes } from '../../shared/base/bytes.ts';
import { redact } from '../../shared/base/log.ts';
import { DUMP_MEANING, dumpsInWords } from '../../shared/domain/dump.ts';
import { holdInWords, proofsInWords } from '../../shared/domain/holds.ts';
import { describeFilter, EVERY_POINT, fitsAll, type PointFilter } from '../../shared/domain/point-filter.ts';
import type {
  FileEntry,
  FileKind,
  FileListing,
  PointNote,
  RestorePointListing,
  RestorePointSummary,
  UnavailableRepository,
  UnreadableRestorePoint,
} from '../../shared/domain/restore-point.ts';
import type { UnreadablePoint } from '../../shared/domain/unreadable-point.ts';
import { describeGaps, type Wholeness } from '../../shared/domain/wholeness.ts';
import { type Column, renderTable } from './table.ts';
import { formatCount, formatDuration, formatTime, type Paint, shown } from './text.ts';

const POINTS: readonly Column<RestorePointSummary>[] = [
  { title: 'ID', cell: (point) => point.id.slice(0, 8) },
  { title: 'TIME', cell: (point) => formatTime(point.time) },
  { title: 'HOST', cell: (point) => point.hostname },
  { title: 'SOURCE', cell: (point) => point.source ?? '-' },
  { title: 'CONSISTENCY', cell: consistencyOf },
  { title: 'CONTENT', cell: (point) => point.wholeness.state },
  {
    title: 'FILES',
    align: 'right',
    cell: (point) => (point.filesTotal === undefined ? '-' : formatCount(point.filesTotal)),
  },
  {
    title: 'SIZE',
    align: 'right',
    cell: (point) => (point.bytesTotal === undefined ? '-' : formatBytes(point.bytesTotal)),
  },
  { title: 'REPOSITORY', cell: (point) => point.repository },
  { title: 'PATHS', cell: (point) => point.paths.join(' ') },
];

function consistencyOf({ consistency, skewMs = 0, holds = [], dumps = [] }: RestorePointSummary): string {
  const skew = skewMs === 0 ? '' : ` (${formatDuration(skewMs)})`;
  const beside = [proofsInWords(holds), dumpsInWords(dumps)].filter((words) => words !== undefined);
  return [`${consistency ?? 'unknown'}${skew}`, ...beside].join('; ');
}

export function renderPoints(
  { restorePoints, unreadable, unavailable }: RestorePointListing,
  paint: Paint,
  filter: PointFilter = EVERY_POINT,
): string {
  const table =
    restorePoints.length === 0 ? '' : renderTable(POINTS, restorePoints, paint) + renderGaps(restorePoints, paint);
  const missing = renderDamaged(unreadable, paint) + renderUnavailable(unavailable, paint);
  const others = fitsAll(filter) ? 'holds any restore point' : `holds a restore point ${shown(describeFilter(filter))}`;
  const isEmpty = restorePoints.length + unreadable.length === 0;
  const rest = isEmpty && unavailable.length > 0 ? `None of the other repositories ${others}.\n` : '';
  if (table + missing !== '') return table + missing + rest;
  if (!fitsAll(filter)) return `There is no restore point ${shown(describeFilter(filter))} yet.\n`;
  return 'No restore points yet. "stillpoint backup SOURCE" makes one, "stillpoint copy" brings those of another repository.\n';
}

function renderDamaged(unreadable: readonly UnreadableRestorePoint[], paint: Paint): string {
  if (unreadable.length === 0) return '';
  const names = [...new Set(unreadable.map(({ repository }) => `"stillpoint check ${shown(repository)}"`))];
  return `${renderUnreadable(unreadable, paint)}${names.join(' and ')} says what can be done.\n`;
}

function renderUnavailable(repositories: readonly UnavailableRepository[], paint: Paint): string {
  return repositories
    .map(({ repository, code, reason }) => {
      const what = paint('red', `The repository "${shown(repository)}" could not be asked`);
      return `${what}: ${shown(redact(reason))} [${shown(code)}]\n`;
    })
    .join('');
}

/** So many restore points that lack something are explained below a table, which marks all of them. */
const EXPLAINED = 5;

function renderGaps(points: readonly RestorePointSummary[], paint: Paint): string {
  const lines = points.flatMap(({ id, wholeness }) => {
    const gaps = describeGaps(wholeness);
    return gaps === undefined
      ? []
      : [`${paint('yellow', `${id.slice(0, 8)} is ${wholeness.state}`)}: ${shown(gaps)}\n`];
  });
  const rest = lines.length - EXPLAINED;
  return (
    lines.slice(0, EXPLAINED).join('') + (rest > 0 ? `and ${formatCount(rest)} more; --json explains them all\n` : '')
  );
}

export function renderNote({ severity, message }: PointNote, paint: Paint): string {
  return severity === 'warning' ? `${paint('yellow', 'Warning')}: ${shown(redact(message))}\n` : `${shown(message)}\n`;
}

/** For a person who looks into a restore point or takes files from it. */
function renderWholeness(wholeness: Wholeness, paint: Paint): string {
  const gaps = describeGaps(wholeness);
  return gaps === undefined ? '' : `${paint('yellow', `This restore point is ${wholeness.state}`)}: ${shown(gaps)}\n`;
}

/** A line each for the restore points that an answer lacks, wholly or in part. */
export function renderUnreadable(points: readonly UnreadablePoint[], paint: Paint): string {
  return points
    .map(
      ({ restorePoint, reason }) =>
        `${paint('red', `${shown(restorePoint.slice(0, 8))} is damaged`)}: ${shown(reason)}\n`,
    )
    .join('');
}

const TYPE_LETTER: Readonly<Record<FileKind, string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  dev: 'b',
  chardev: 'c',
  fifo: 'p',
  socket: 's',
  irregular: '?',
};

/** "drwxr-xr-x", with s and t as ls(1) shows them. */
export function formatMode(kind: FileKind, mode: number): string {
  const triplet = (bits: number, special: boolean, letter: string): string => {
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? 'x' : '-';
    return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`;
  };
  return (
    TYPE_LETTER[kind] +
    triplet((mode >> 6) & 7, (mode & 0o4000) !== 0, 's') +
    triplet((mode >> 3) & 7, (mode & 0o2000) !== 0, 's') +
    triplet(mode & 7, (mode & 0o1000) !== 0, 't')
  );
}

const ENTRIES: readonly Column<FileEntry>[] = [
  { title: 'MODE', cell: (entry) => formatMode(entry.kind, entry.mode) },
  { title: 'OWNER', cell: (entry) => `${entry.uid}:${entry.gid}` },
  { title: 'SIZE', align: 'right', cell: (entry) => (entry.kind === 'file' ? formatBytes(entry.sizeBytes) : '-') },
  { title: 'MODIFIED', cell: (entry) => formatTime(entry.mtime) },
  {
    title: 'NAME',
    cell: (entry) => (entry.linkTarget === undefined ? entry.name : `${entry.name} -> ${entry.linkTarget}`),
  },
];

export function renderListing(listing: FileListing, paint: Paint): string {
  const more = listing.nextCursor === undefined ? '' : `There is more: add --cursor ${listing.nextCursor}\n`;
  const dumps = (listing.dumps ?? []).slice(0, EXPLAINED).map(({ path, consistency }) => {
    return `${shown(path)} is a dump, ${consistency}: ${DUMP_MEANING[consistency]}\n`;
  });
  const holds = (listing.holds ?? []).slice(0, EXPLAINED).map((hold) => `${shown(holdInWords(hold))}\n`);
  const table = renderTable(ENTRIES, listing.entries, paint) + more;
  return table + holds.join('') + dumps.join('') + renderWholeness(listing.wholeness, paint);
}
