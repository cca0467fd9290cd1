/** A restore point as the shells list it, and its files as they browse them. */
import type { ErrorCode } from '../base/error-codes.ts';
import type { Consistency, HeldFacts } from './consistency.ts';
import type { PlannedDumpFile } from './dump.ts';
import type { RepositoryName, RestorePointId } from './names.ts';
import type { PointFilter } from './point-filter.ts';
import type { UnreadablePoint } from './unreadable-point.ts';
import type { Wholeness } from './wholeness.ts';

export interface RestorePointSummary {
  readonly id: RestorePointId;
  readonly repository: RepositoryName;
  /** ISO 8601. The instant of the snapshot on the host, not the end of the run. */
  readonly time: string;
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  readonly source: string | undefined;
  /** Unknown for restore points that another program wrote. */
  readonly consistency: Consistency | undefined;
  /** Between its first instant and its last, at the most; unknown as the consistency may be. */
  readonly skewMs: number | undefined;
  /** What programs of the host wrote out, each with a consistency of its own; none where there are none. */
  readonly dumps?: readonly PlannedDumpFile[];
  /** What applications were proved to be when they were held, such as a position in a log; none where there is none. */
  readonly held?: readonly HeldFacts[];
  readonly wholeness: Wholeness;
  readonly bytesTotal: number | undefined;
  readonly filesTotal: number | undefined;
  readonly program: string | undefined;
}

/** Where restore points are looked for, and which of them are meant. */
export interface PointScope {
  /** Absent: all repositories of the configuration. */
  readonly repository?: RepositoryName;
  /** Absent: all restore points. */
  readonly filter?: PointFilter;
}

/** The one that was asked for. */
export interface FoundPoint {
  readonly point: RestorePointSummary;
  readonly notes: readonly PointNote[];
}

/** What the user should know beside it. */
export interface PointNote {
  /** `warning`: a repository could not be asked. `information`: which restore point "latest" is. */
  readonly severity: 'information' | 'warning';
  readonly message: string;
}

export interface RestorePointListing {
  /** Newest first. */
  readonly restorePoints: readonly RestorePointSummary[];
  /** Those that cannot be read. Of which host or source they are is unknown, so each fits any filter. */
  readonly unreadable: readonly UnreadableRestorePoint[];
  /** Those that could not be asked; what they hold is not in this list. Never all that were to be asked. */
  readonly unavailable: readonly UnavailableRepository[];
}

export interface UnavailableRepository {
  readonly repository: RepositoryName;
  /** Of the error that came instead of its restore points. */
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface UnreadableRestorePoint extends UnreadablePoint {
  readonly repository: RepositoryName;
}

export type FileKind = 'file' | 'dir' | 'symlink' | 'dev' | 'chardev' | 'fifo' | 'socket' | 'irregular';

export interface FileEntry {
  /** Shown text; control characters and bytes that are not UTF-8 are escaped. */
  readonly name: string;
  /** The name's bytes in hexadecimal, where the shown text is not exact. */
  readonly rawName: string | undefined;
  readonly kind: FileKind;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: string;
  readonly linkTarget: string | undefined;
}

export interface FileListing {
  readonly restorePoint: RestorePointId;
  /** Of the restore point: what is not listed may have been lost. */
  readonly wholeness: Wholeness;
  readonly path: string;
  readonly entries: readonly FileEntry[];
  /** Those dumps of the restore point that lie in this folder or below it; none where there are none. */
  readonly dumps?: readonly PlannedDumpFile[];
  /** Give it back to get the rest; absent on the last page. */
  readonly nextCursor: string | undefined;
}

export interface BrowseRequest {
  readonly repository: RepositoryName;
  readonly restorePoint: RestorePointId;
  /** "/" and the names as shown, joined by "/". */
  readonly path: string;
  readonly limit?: number;
  readonly cursor?: string;
}
