/** Files found by name over many restore points. */
import type { RepositoryName, RestorePointId } from './names.ts';
import type { PointFilter } from './point-filter.ts';
import type { FileEntry } from './restore-point.ts';
import type { UnreadablePoint } from './unreadable-point.ts';

export interface FindRequest {
  readonly repository: RepositoryName;
  /** As restic's: names or paths with `*`, `?`, `[a-z]` and `**`; "/" at the start anchors. Any of them may fit. */
  readonly patterns: readonly string[];
  readonly ignoreCase: boolean;
  /** Ids of blobs, trees or packs, or the starts of ids: files and folders that need one of them. */
  readonly ids: readonly string[];
  /** Modified not before and not after, ISO 8601. */
  readonly oldest: string | undefined;
  readonly newest: string | undefined;
  /** Ids, starts of ids, or "latest"; none means all that fit. */
  readonly restorePoints: readonly string[];
  readonly filter: PointFilter;
}

export interface FindMatch {
  readonly restorePoint: RestorePointId;
  /** The restore point's, ISO 8601. */
  readonly time: string;
  readonly hostname: string;
  /** Shown text. */
  readonly path: string;
  /** Undefined for "/", of which a restore point has nothing but its tree. */
  readonly entry: FileEntry | undefined;
}

export interface FindSummary {
  readonly restorePoints: number;
  readonly matches: number;
  /** Restore points that cannot be read, or only in part, with why; they may hold more. */
  readonly unreadable: readonly UnreadablePoint[];
}
