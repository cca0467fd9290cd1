import type { DetectedVolume } from '../../snapshot/provider.ts';

/** One tree to read: a path and everything of its own file system below it. */
export interface SourceTree {
  /** Absolute, symbolic links resolved; where it is in the restore point. */
  readonly path: Buffer;
  readonly volume: DetectedVolume;
  /** Read where it lies, while it may be changing, and not from a snapshot. */
  readonly isLive: boolean;
  /** From the root of the volume's file system; "/" for all of it. */
  readonly pathInVolume: Buffer;
}
