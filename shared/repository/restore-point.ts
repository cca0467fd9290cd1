/** A restore point: what a backup leaves behind, and all that a person needs to choose one. */
import type { RestorePointId } from '../domain/names.ts';
import type { BlobId } from './ids.ts';
import type { Timestamp } from './timestamp.ts';

export interface RestorePointStatistics {
  readonly backupStart: Timestamp;
  readonly backupEnd: Timestamp;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Bytes of new blobs before compression. */
  readonly dataAdded: number;
  /** The same as stored. */
  readonly dataAddedPacked: number;
  readonly totalFilesProcessed: number;
  readonly totalBytesProcessed: number;
  /** Fields that we do not know, kept as read. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What the writer says; absent fields are omitted on disk. */
export interface RestorePointDraft {
  readonly time: Timestamp;
  readonly tree: BlobId;
  /** Absolute paths that were backed up, as restic shows and groups them. */
  readonly paths: readonly string[];
  readonly parent?: RestorePointId;
  readonly hostname?: string;
  readonly username?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly excludes?: readonly string[];
  readonly tags?: readonly string[];
  /** The restore point of which this one is a changed copy. */
  readonly original?: RestorePointId;
  readonly programVersion?: string;
  /** What the backup counted; restic 0.17 and newer shows it. */
  readonly statistics?: RestorePointStatistics;
  /** Fields that we do not know or add ourselves, kept as they are; plain JSON values. restic ignores them. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface RestorePoint extends RestorePointDraft {
  readonly id: RestorePointId;
}
