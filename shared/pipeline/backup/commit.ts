/** The last act: packs and index durable, then the restore point that makes them count. */

import { never } from '../../base/cancel.ts';
import { judgeConsistency } from '../../domain/consistency.ts';
import type { BackupReport } from '../../domain/verbs/backup.ts';
import type { Repository, RepositoryLock, RepositoryWriter } from '../../repository/repository.ts';
import type { RestorePointStatistics } from '../../repository/restore-point.ts';
import { timestampFromDate, timestampFromNs } from '../../repository/timestamp.ts';
import { pointDraft } from './point-draft.ts';
import type { CommitContext } from './sink.ts';

export interface RestorePointContext extends CommitContext {
  readonly repository: Repository;
  readonly lock: RepositoryLock;
  readonly writer: RepositoryWriter;
}

export async function commitRestorePoint(
  context: RestorePointContext,
  signal: AbortSignal,
): Promise<Omit<BackupReport, 'snapshots'>> {
  const { repository, writer, read, evidence, lock, instant } = context;
  const { counts } = read;
  const stats = await writer.flush(signal);
  const { consistency, skewMs } = judgeConsistency(evidence);
  const statistics: RestorePointStatistics = {
    backupStart: instant.time,
    backupEnd: timestampFromDate(context.clock.now()),
    filesNew: counts.filesNew,
    filesChanged: counts.filesChanged,
    filesUnmodified: counts.filesUnmodified,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: counts.folders,
    dataBlobs: stats.dataBlobsNew,
    treeBlobs: stats.treeBlobsNew,
    dataAdded: stats.bytesNew,
    dataAddedPacked: stats.bytesStored,
    totalFilesProcessed: counts.filesNew + counts.filesChanged + counts.filesUnmodified,
    totalBytesProcessed: counts.bytesTotal,
  };
  signal.throwIfAborted();
  const point = await repository.saveRestorePoint(
    {
      ...pointDraft(context, consistency, skewMs),
      ...(read.parent === undefined ? {} : { parent: read.parent.id }),
      statistics,
    },
    lock,
    // One small file, and then all of it counts: a cancel comes before this or too late, and never in the middle.
    never,
  );
  return {
    kind: 'backup',
    restorePoint: point.id,
    parent: read.parent?.id,
    consistency,
    skewMs,
    holds: evidence.holds,
    ...(evidence.dumps === undefined ? {} : { dumps: evidence.dumps }),
    time: instant.time,
    hostTime: timestampFromNs(instant.host.timeNs),
    clockSkew: instant.host.skew,
    files: { new: counts.filesNew, changed: counts.filesChanged, unmodified: counts.filesUnmodified },
    folders: counts.folders,
    others: counts.others,
    bytesTotal: counts.bytesTotal,
    bytesRead: counts.bytesRead,
    ...(counts.bytesEqual === 0 ? {} : { bytesEqual: counts.bytesEqual }),
    bytesReceived: counts.bytesReceived,
    bytesStored: stats.bytesStored,
    blobsNew: stats.dataBlobsNew + stats.treeBlobsNew,
    skipped: read.omissions.items,
    missingCount: read.omissions.missingCount,
  };
}
