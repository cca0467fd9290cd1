/** What differs between two kept sets, or between one and the files as they are. No content is read for it. */
import type { KeptId } from './kept-name.ts';
import type { HostName } from './names.ts';
import type { FileKind } from './restore-point.ts';

export interface CompareRequest {
  readonly host: HostName;
  readonly before: string;
  /** Absent: the files as they are. */
  readonly after?: string;
}

/**
 * `content`: another size, time of change, inode, or target of a link. `metadata`: another owner, mode or number of names.
 * `unclear`: only the time at which the kernel saw a change differs: attributes, or content whose own time was set back.
 */
export type KeptChangeKind = 'added' | 'removed' | 'content' | 'metadata' | 'type' | 'unclear';

export interface KeptChange {
  readonly change: KeptChangeKind;
  /** On the host, as shown text. */
  readonly path: string;
  readonly kind: FileKind;
}

export interface KeptComparison {
  readonly before: KeptId;
  readonly after: KeptId | undefined;
  /** How many of each. */
  readonly counts: Readonly<Record<KeptChangeKind, number>>;
  /** Volumes that could be compared, and those of one side only. */
  readonly volumes: readonly string[];
  readonly notCompared: readonly string[];
  /** Paths that could not be listed on a side; what is below them is not compared. */
  readonly unlisted: readonly string[];
}
