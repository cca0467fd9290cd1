/** What the report of an export says of what was read, wherever it went. */
import type { ExportReport } from '../../domain/verbs/export.ts';
import { timestampFromNs } from '../../repository/timestamp.ts';
import type { Omissions } from '../backup/omissions.ts';
import type { CommitContext } from '../backup/sink.ts';

type Figures = Pick<
  ExportReport,
  | 'time'
  | 'hostTime'
  | 'clockSkew'
  | 'holds'
  | 'dumps'
  | 'files'
  | 'filesUnmodified'
  | 'folders'
  | 'others'
  | 'bytesTotal'
  | 'bytesRead'
  | 'bytesReceived'
  | 'skipped'
  | 'missingCount'
>;

export function exportFigures({ instant, evidence, read: { counts, omissions } }: CommitContext): Figures {
  return {
    ...{ time: instant.time, hostTime: timestampFromNs(instant.host.timeNs), clockSkew: instant.host.skew },
    holds: evidence.holds,
    ...(evidence.dumps === undefined ? {} : { dumps: evidence.dumps }),
    files: counts.filesNew + counts.filesChanged + counts.filesUnmodified,
    filesUnmodified: counts.filesUnmodified,
    ...{ folders: counts.folders, others: counts.others, bytesTotal: counts.bytesTotal },
    ...{ bytesRead: counts.bytesRead, bytesReceived: counts.bytesReceived },
    ...{ skipped: omissions.items, missingCount: omissions.missingCount },
  };
}

export const tellSocket =
  (omissions: Omissions) =>
  (path: Buffer): void =>
    omissions.isSocket(path);
