/** A restore point, or some of it, as one tar stream: what was asked, and what came. */
import type { RepositoryName } from './names.ts';
import type { LeftByPatterns, SkippedEntries, WantedPart } from './verbs/restore.ts';

export interface StreamRequest extends WantedPart {
  readonly repository: RepositoryName;
  readonly restorePoint: string;
  readonly noLock?: boolean;
}

export interface StreamReport {
  readonly restorePoint: string;
  /** What is in the stream. */
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  /** Of all files, with what was a hole. */
  readonly bytes: number;
  /** Wanted, and not in the stream. */
  readonly leftOut: SkippedEntries;
  /** Belong to the program that listens; no archive holds them. */
  readonly sockets: number;
  /** What patterns left out; undefined where there were none. */
  readonly byPatterns: LeftByPatterns | undefined;
  /** What the restore point itself says of its gaps; undefined where it says of none. */
  readonly gaps: string | undefined;
  /** Why it was read without a lock; undefined where there was one. */
  readonly withoutLock: string | undefined;
}
