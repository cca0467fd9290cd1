/** Restore points and their files, as answers. */
import { z } from 'zod';
import type { FileEntry, RestorePointSummary, UnreadableRestorePoint } from '../../shared/domain/restore-point.ts';
import { describeGaps, WHOLENESS_STATES, type Wholeness } from '../../shared/domain/wholeness.ts';
import { CutLists, omittedShape } from '../cut-lists.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { dumpLine, dumpsShape } from './dump.ts';
import { holdLine, holdsShape } from './hold.ts';
import { consistencyShape } from './plan.ts';

export const restorePointShape = z.strictObject({
  restorePointId: z.string().describe('Id of the restore point; browse_files takes it.'),
  repository: z.string().describe('The repository that holds it.'),
  time: z.string().describe('Instant of the snapshot, ISO 8601.'),
  hostname: foreignText('Name that the host gave itself.'),
  source: foreignText('The source that it came from.').nullable(),
  paths: z.array(foreignText('A path that was backed up.')),
  consistency: consistencyShape.nullable().describe('How consistent it is; null if another program wrote it.'),
  skewMs: z.int().nullable().describe('Between its first instant and its last at the most, in ms; null if unknown.'),
  holds: holdsShape,
  dumps: dumpsShape,
  content: z.enum(WHOLENESS_STATES).describe('Whether all of the source is in it, as far as was recorded.'),
  gaps: foreignText('What is missing.').nullable(),
  omitted: omittedShape,
  files: z.int().nullable().describe('Number of files; null if unknown.'),
  bytes: z.int().nullable().describe('Sizes of all files, in bytes; null if unknown.'),
});

export function restorePointOf(point: RestorePointSummary): z.input<typeof restorePointShape> {
  const lists = new CutLists();
  return {
    restorePointId: point.id,
    repository: point.repository,
    time: point.time,
    hostname: foreign(point.hostname),
    source: point.source === undefined ? null : foreign(point.source),
    paths: lists.cut('paths', point.paths).map(foreign),
    consistency: point.consistency ?? null,
    skewMs: point.skewMs ?? null,
    holds: lists.cut('holds', point.holds ?? []).map(holdLine),
    dumps: lists.cut('dumps', point.dumps ?? []).map(dumpLine),
    content: point.wholeness.state,
    gaps: gapsOf(point.wholeness),
    files: point.filesTotal ?? null,
    bytes: point.bytesTotal ?? null,
    omitted: lists.omitted,
  };
}

export function gapsOf(wholeness: Wholeness): string | null {
  const gaps = describeGaps(wholeness);
  return gaps === undefined ? null : foreign(gaps);
}

export const unreadableShape = {
  unreadable: z
    .array(
      z.strictObject({
        restorePointId: z.string().describe('Id of the restore point.'),
        repository: z.string().describe('The repository that holds it.'),
        reason: foreignText('What is wrong with it.'),
      }),
    )
    .describe('Restore points that cannot be read; they may be of any source.'),
  unreadableOmitted: z.int().describe('Unreadable ones that did not fit into this answer.'),
};

export function unreadableOf(points: readonly UnreadableRestorePoint[]): {
  unreadable: { restorePointId: string; repository: string; reason: string }[];
  unreadableOmitted: number;
} {
  const first = points.slice(0, UNREADABLE_MOST);
  return {
    unreadable: first.map(({ restorePoint, repository, reason }) => ({
      restorePointId: restorePoint,
      repository,
      reason: foreign(reason),
    })),
    unreadableOmitted: points.length - first.length,
  };
}

/** They are on every page beside the others, so they are few. */
const UNREADABLE_MOST = 5;

export const fileShape = z.strictObject({
  name: foreignText('Name, with control characters and bytes that are not text escaped.'),
  rawName: z.string().nullable().describe('Bytes of the name in hexadecimal, where the shown name is not exact.'),
  kind: z.enum(['file', 'dir', 'symlink', 'dev', 'chardev', 'fifo', 'socket', 'irregular']).describe('Type.'),
  sizeBytes: z.int().describe('Size of the content, in bytes.'),
  mode: z.string().describe('Permissions in octal.'),
  owner: z.string().describe('Numeric user and group, "uid:gid".'),
  mtime: z.string().describe('Last change, ISO 8601.'),
  linkTarget: foreignText('Where a symbolic link points.').nullable(),
});

export function fileOf(entry: FileEntry): z.input<typeof fileShape> {
  return {
    // Not cut: the name has to be usable as part of a path
    name: entry.name,
    rawName: entry.rawName ?? null,
    kind: entry.kind,
    sizeBytes: entry.sizeBytes,
    mode: (entry.mode & 0o7777).toString(8).padStart(4, '0'),
    owner: `${entry.uid}:${entry.gid}`,
    mtime: entry.mtime,
    linkTarget: entry.linkTarget === undefined ? null : foreign(entry.linkTarget),
  };
}
