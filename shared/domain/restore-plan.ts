/** What a restore into a folder with other things in it would do: computed before anything is written, and then done. */
import type { SkippedItem } from './verbs/backup.ts';

/** Of what is there already: nothing is written over, what was modified earlier than in the restore point, or all. */
export const OVERWRITE = ['never', 'older', 'always'] as const;
export type Overwrite = (typeof OVERWRITE)[number];

export interface RestorePlan {
  /** Entries where nothing is. */
  readonly added: { readonly files: number; readonly folders: number; readonly others: number };
  /** Entries of which another is there, which goes. */
  readonly overwritten: NamedPaths;
  /** What is there and stays, each with why. Folders are not counted: what is in them is looked at by itself. */
  readonly leftAlone: ReasonedPaths;
  /** What cannot be where something else is, such as a folder where a file is. With any, nothing is restored. */
  readonly inTheWay: ReasonedPaths;
  /** Content to write. All of it is written before the first file that is there goes. */
  readonly bytes: number;
  /** Free where it would be written; undefined where the file system does not say. */
  readonly room: number | undefined;
}

interface NamedPaths {
  readonly count: number;
  /** The first of them, below the target. */
  readonly named: readonly string[];
}

interface ReasonedPaths {
  readonly count: number;
  readonly named: readonly SkippedItem[];
}
