/** What a finished job proved, as part of an answer. Long lists are counted and cut. */
import { z } from 'zod';
import { provenSkewMs } from '../../shared/domain/clock-skew.ts';
import { holdsOf } from '../../shared/domain/holds.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import type { CheckReport } from '../../shared/domain/verbs/check.ts';
import type { CopyReport } from '../../shared/domain/verbs/copy.ts';
import type { ExportReport } from '../../shared/domain/verbs/export.ts';
import type { PruneReport } from '../../shared/domain/verbs/prune.ts';
import type { RestoreReport } from '../../shared/domain/verbs/restore.ts';
import type { SweepReport } from '../../shared/domain/verbs/sweep.ts';
import type { VerifyReport } from '../../shared/domain/verbs/verify.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { INNER_LIST } from '../limits.ts';
import { dumpLine, dumpsShape } from './dump.ts';
import { holdLine, holdsShape } from './hold.ts';
import { consistencyShape } from './plan.ts';

const count = (description: string) => z.int().describe(description);

export const backupShape = z.strictObject({
  kind: z.literal('backup').describe('A backup.'),
  restorePointId: z.string().describe('The new restore point.'),
  parentId: z.string().nullable().describe('The restore point that it was compared with; null for a first one.'),
  consistency: consistencyShape,
  holds: holdsShape,
  dumps: dumpsShape,
  skewMs: z.number().describe('Time between the instants of the first and the last volume, in ms.'),
  clockSkewMs: z
    .number()
    .describe("By how much the host's clock was ahead of ours, in ms, as far as proved; negative where it was behind."),
  freezeMs: z.number().describe('Longest time for which writers of a volume were held, at most, in ms.'),
  snapshotLifetimeMs: z.number().describe('Longest life of a snapshot on the host, in ms.'),
  filesNew: count('New files.'),
  filesChanged: count('Changed files.'),
  filesUnmodified: count('Files whose content was not read again.'),
  bytesTotal: count('Sizes of all files in the restore point, in bytes.'),
  bytesRead: count('Content that was read, in bytes.'),
  bytesReceived: count('What came over the connection, in bytes.'),
  bytesStored: count('What the repository grew by, in bytes.'),
  missingCount: count('Entries of the source that are not in the restore point; unless 0, it is partial.'),
  skippedCount: count('Files that are not in the restore point, or not with all of their attributes.'),
  skipped: z
    .array(
      z.strictObject({
        path: foreignText('A path that is missing.'),
        reason: foreignText('Why.'),
      }),
    )
    .describe('The first of them.'),
});

export const backupAnswer = (result: BackupReport): z.input<typeof backupShape> => ({
  kind: 'backup',
  restorePointId: result.restorePoint,
  parentId: result.parent ?? null,
  consistency: result.consistency,
  holds: holdsOf(result).slice(0, INNER_LIST).map(holdLine),
  dumps: (result.dumps ?? []).slice(0, INNER_LIST).map(dumpLine),
  skewMs: result.skewMs,
  clockSkewMs: provenSkewMs(result.clockSkew),
  freezeMs: Math.max(0, ...result.snapshots.map((snapshot) => snapshot.freezeMs)),
  snapshotLifetimeMs: Math.max(0, ...result.snapshots.map((snapshot) => snapshot.lifetimeMs)),
  filesNew: result.files.new,
  filesChanged: result.files.changed,
  filesUnmodified: result.files.unmodified,
  bytesTotal: result.bytesTotal,
  bytesRead: result.bytesRead,
  bytesReceived: result.bytesReceived,
  bytesStored: result.bytesStored,
  missingCount: result.missingCount,
  skippedCount: result.skipped.length,
  skipped: result.skipped
    .slice(0, INNER_LIST)
    .map((item) => ({ path: foreign(item.path), reason: foreign(item.reason) })),
});

export const exportShape = z.strictObject({
  kind: z.literal('export').describe('An archive or a mirror.'),
  path: z.string().describe('The archive, or the folder of the new state of the mirror.'),
  consistency: consistencyShape,
  holds: holdsShape,
  dumps: dumpsShape,
  files: count('Files.'),
  bytesTotal: count('Their sizes, in bytes.'),
  provedFiles: count('Files that were read back and compared.'),
  missingCount: count('Entries that are missing; unless 0, it is partial.'),
  skipped: z.array(foreignText('Path: why.')),
});

export const exportAnswer = (result: ExportReport): z.input<typeof exportShape> => ({
  kind: 'export',
  path: result.path,
  consistency: result.consistency,
  holds: holdsOf(result).slice(0, INNER_LIST).map(holdLine),
  dumps: (result.dumps ?? []).slice(0, INNER_LIST).map(dumpLine),
  files: result.files,
  bytesTotal: result.bytesTotal,
  provedFiles: result.proved.files,
  missingCount: result.missingCount,
  skipped: result.skipped.slice(0, INNER_LIST).map(({ path, reason }) => foreign(`${path}: ${reason}`)),
});

export const restoreShape = z.strictObject({
  kind: z.literal('restore').describe('A restore.'),
  restorePointId: z.string().describe('Where the files came from.'),
  target: z.string().describe('The folder that they were restored into.'),
  files: count('Files.'),
  folders: count('Folders.'),
  others: count('Links, devices and pipes.'),
  bytes: count('Sizes of the files, in bytes.'),
  leftOutCount: count('Missing entries. Over 0: not whole.'),
  leftOut: z.array(foreignText('Path: why.')),
  notKept: z.array(foreignText('What some entries lost.')),
  renamedCount: count('Entries with new names.'),
  gaps: foreignText('What the restore point itself lacks; empty if nothing.'),
});

export const restoreAnswer = ({
  target,
  files,
  folders,
  others,
  bytes,
  ...result
}: RestoreReport): z.input<typeof restoreShape> => ({
  kind: 'restore',
  restorePointId: result.restorePoint,
  ...{ target, files, folders, others, bytes },
  leftOutCount: result.leftOut.count,
  leftOut: result.leftOut.named.slice(0, INNER_LIST).map(({ path, reason }) => foreign(`${path}: ${reason}`)),
  notKept: result.notKept.slice(0, INNER_LIST).map(({ what, entries }) => foreign(`${what}: of ${entries} entries`)),
  renamedCount: result.renamed.count,
  gaps: foreign(result.gaps ?? ''),
});

export const checkShape = z.strictObject({
  kind: z.enum(['check', 'verify']).describe('check looks at the structure, verify reads all data.'),
  restorePoints: count('Restore points that were looked at.'),
  packs: count('Packs.'),
  blobs: count('Blobs.'),
  bytesRead: count('What was read, in bytes.'),
  contentBytes: count('Content stored, in bytes; 0 for a check.'),
  findingsCount: count('What is wrong; 0 is good.'),
  findings: z
    .array(
      z.strictObject({
        severity: z.enum(['damage', 'warning', 'information']).describe('How bad it is.'),
        message: foreignText('What is wrong.'),
      }),
    )
    .describe('The first of them.'),
});

export const checkAnswer = (result: CheckReport | VerifyReport): z.input<typeof checkShape> => ({
  ...{ kind: result.kind, restorePoints: result.restorePoints, packs: result.packs, blobs: result.blobs },
  bytesRead: result.bytesRead,
  contentBytes: 'proved' in result ? (result.proved?.bytesTotal ?? 0) : 0,
  findingsCount: result.findings.length,
  findings: result.findings
    .slice(0, INNER_LIST)
    .map(({ severity, message, advice = '' }) => ({ severity, message: foreign(`${message} ${advice}`.trim()) })),
});

export const copyShape = z.strictObject({
  kind: z.literal('copy').describe('Restore points copied into another repository.'),
  copiedCount: count('Copied.'),
  alreadyThereCount: count('Copied before.'),
  failed: z.array(foreignText('A restore point that could not be copied, and why.')),
  failedCount: count('Not copied; 0 is good.'),
  bytesStored: count('Bytes that the other repository grew by.'),
});

export const copyAnswer = (result: CopyReport): z.input<typeof copyShape> => ({
  kind: 'copy',
  copiedCount: result.copied.length,
  alreadyThereCount: result.alreadyThere,
  failed: result.failed
    .slice(0, INNER_LIST)
    .map(({ restorePoint, reason }) => foreign(`${restorePoint.slice(0, 8)}: ${reason}`)),
  failedCount: result.failed.length,
  bytesStored: result.bytesStored,
});

export const sweepShape = z.strictObject({
  kind: z.literal('sweep').describe('A sweep.'),
  removed: z.array(foreignText('A trace of ours that was removed.')),
  kept: z
    .array(z.strictObject({ object: foreignText('What was left alone.'), reason: foreignText('Why.') }))
    .describe('What looks like ours and was left alone.'),
  removedCount: count('Traces removed.'),
  keptCount: count('Objects left alone.'),
});

export const sweepAnswer = (result: SweepReport): z.input<typeof sweepShape> => ({
  kind: 'sweep',
  removed: result.removed.slice(0, INNER_LIST).map(foreign),
  kept: result.kept
    .slice(0, INNER_LIST)
    .map((item) => ({ object: foreign(item.object), reason: foreign(item.reason) })),
  removedCount: result.removed.length,
  keptCount: result.kept.length,
});

export const keptShape = z.strictObject({
  kind: z.enum(['keep-snapshots', 'drop-snapshots']).describe('Which.'),
  keptCount: count('Snapshots kept.'),
  removedCount: count('Removed.'),
  leftCount: count('Not removed.'),
});

export const keptAnswer = (
  kind: z.input<typeof keptShape>['kind'],
  {
    kept = [],
    removed = [],
    left = [],
  }: {
    readonly kept?: readonly unknown[];
    readonly removed?: readonly unknown[];
    readonly left?: readonly unknown[];
  },
): z.input<typeof keptShape> => ({
  ...{ kind, keptCount: kept.length },
  ...{ removedCount: removed.length, leftCount: left.length },
});

/** Both in one shape: every shape is in the list of tools, which has to stay small. */
export const careShape = z.strictObject({
  kind: z.enum(['forget', 'prune', 'repair']).describe('Which.'),
  forgottenCount: count('Restore points forgotten.'),
  packsDeleted: count('Packs deleted by a prune.'),
  bytesFreed: count('Bytes freed by a prune.'),
  lostCount: count('Losses that a repair cannot mend.'),
});

export function careAnswer(
  kind: z.input<typeof careShape>['kind'],
  {
    forgotten = [],
    prune,
    lost = [],
  }: {
    readonly forgotten?: readonly unknown[];
    readonly prune?: PruneReport | undefined;
    readonly lost?: readonly unknown[];
  },
): z.input<typeof careShape> {
  const bytesFreed = prune?.figures.bytes.freed ?? 0;
  const packsDeleted = prune?.packsDeleted ?? 0;
  return { kind, forgottenCount: forgotten.length, packsDeleted, bytesFreed, lostCount: lost.length };
}
