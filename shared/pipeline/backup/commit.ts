/** The last act: packs and index durable, then the restore point that makes them count. */

import { displayName } from '../../base/bytes.ts';
import { never } from '../../base/cancel.ts';
import { type ConsistencyEvidence, judgeConsistency } from '../../domain/consistency.ts';
import { consistencyTag, PROGRAM_TAG, sourceTag } from '../../domain/labels.ts';
import type { RunId } from '../../domain/names.ts';
import type { BackupReport } from '../../domain/verbs/backup.ts';
import { PARTIAL_TAG, unreadableFacts } from '../../domain/wholeness.ts';
import type { RepositoryLock, RepositoryWriter } from '../../repository/repository.ts';
import type { RestorePointStatistics } from '../../repository/restore-point.ts';
import { timestampFromDate, timestampFromNs } from '../../repository/timestamp.ts';
import { clockFacts } from './host-clock.ts';
import { lackingAttributes } from './parent.ts';
import type { ReadContext, ReadResult } from './read-trees.ts';

export interface CommitContext extends ReadContext {
  readonly run: RunId;
  readonly lock: RepositoryLock;
  readonly writer: RepositoryWriter;
  readonly read: ReadResult;
  readonly evidence: ConsistencyEvidence;
}

export async function commitRestorePoint(
  context: CommitContext,
  signal: AbortSignal,
): Promise<Omit<BackupReport, 'snapshots'>> {
  const { request, repository, writer, read, evidence, lock, run, instant } = context;
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
      // The instant that the files show, not the time at which reading them was done.
      time: instant.time,
      tree: read.tree,
      paths: request.source.paths.map(displayName),
      hostname: request.source.host,
      ...(read.parent === undefined ? {} : { parent: read.parent.id }),
      ...(request.source.exclude.length === 0 ? {} : { excludes: request.source.exclude }),
      tags: [
        ...[PROGRAM_TAG, sourceTag(request.source.name), consistencyTag(consistency)],
        ...(read.omissions.missingCount === 0 ? [] : [PARTIAL_TAG]),
      ],
      programVersion: 'stillpoint 0.1.0',
      statistics,
      extra: {
        stillpoint: {
          run,
          consistency,
          skewMs,
          volumes: evidence.instants.map(({ volume }) => volume),
          evidence,
          ...clockFacts(instant),
          ...(read.omissions.missingCount === 0
            ? {}
            : unreadableFacts(read.omissions.missing, read.omissions.missingCount)),
          ...(read.omissions.attributesMissing ? lackingAttributes : {}),
        },
      },
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
    time: instant.time,
    hostTime: timestampFromNs(instant.host.timeNs),
    clockSkew: instant.host.skew,
    files: { new: counts.filesNew, changed: counts.filesChanged, unmodified: counts.filesUnmodified },
    folders: counts.folders,
    others: counts.others,
    bytesTotal: counts.bytesTotal,
    bytesRead: counts.bytesRead,
    bytesReceived: counts.bytesReceived,
    bytesStored: stats.bytesStored,
    blobsNew: stats.dataBlobsNew + stats.treeBlobsNew,
    skipped: read.omissions.items,
    missingCount: read.omissions.missingCount,
  };
}
