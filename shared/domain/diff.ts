/** What differs between two restore points. */
import type { RepositoryName } from './names.ts';
import type { PointFilter } from './point-filter.ts';
import type { FileKind } from './restore-point.ts';

export interface DiffRequest {
  readonly repository: RepositoryName;
  /** Ids, starts of ids, or "latest". */
  readonly before: string;
  readonly after: string;
  /** Both fit it, and "latest" is the latest that does. */
  readonly filter: PointFilter;
  /** Only what is at and below this path; "/" and names as shown, joined by "/". */
  readonly path: string;
  /** Reads what is the same on both sides too, so that blobs which it shares with the rest do not count. */
  readonly exact: boolean;
}

/** `content`: other bytes, or another target of a link. `metadata`: owner, mode, times or attributes, and not the content. */
export type ChangeKind = 'added' | 'removed' | 'content' | 'metadata' | 'type';

export interface DiffChange {
  readonly change: ChangeKind;
  /** Shown text. */
  readonly path: string;
  readonly kind: FileKind;
  /** Where the type changed. */
  readonly kindBefore: FileKind | undefined;
}

export interface DiffSide {
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Plaintext of the blobs that the other side does not have. */
  readonly bytes: number;
}

export interface DiffSummary {
  readonly before: string;
  readonly after: string;
  readonly changedFiles: number;
  readonly added: DiffSide;
  readonly removed: DiffSide;
  /** Otherwise blobs and bytes are upper bounds: what is the same on both sides was not read and may hold some of them. */
  readonly isExact: boolean;
}
