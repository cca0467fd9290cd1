/** Sets of snapshots that are kept on a host on purpose, as they are found there. */
import type { KeptMarks } from './kept-marks.ts';
import type { KeptId } from './kept-name.ts';
import type { HostName } from './names.ts';

/**
 * `full`: it overflowed, and what it holds is worth nothing. `foreign`: it has a name of ours and not our marks, or is no
 * snapshot at all. `merging`: an administrator is putting its origin back to it. `gone`: only its marks are there.
 */
export type KeptState = 'whole' | 'full' | 'merging' | 'foreign' | 'gone';

/** One snapshot of a set. */
export interface KeptSnapshot {
  /** By which its storage knows it on the host. */
  readonly id: string;
  readonly kind: string;
  /** The volume that it is of, by the name by which the host knows it. */
  readonly volume: string;
  readonly state: KeptState;
  /** Room that it has for itself, and how much of it is used; where it has none, the used bytes may be known. */
  readonly room: { readonly usedBytes: number | undefined; readonly totalBytes: number | undefined };
}

/** What was made in one run. */
export interface KeptSet {
  readonly id: KeptId;
  /** What its snapshots say of themselves; undefined where they say nothing, or different things. */
  readonly about: Omit<KeptMarks, 'part' | 'parts'> | undefined;
  /** Whether it is of this installation. */
  readonly isOwn: boolean;
  readonly snapshots: readonly KeptSnapshot[];
  /** How many snapshots belong to it and are not there: its making was cut, or somebody removed them. */
  readonly missing: number;
  readonly isExpired: boolean;
}

export interface KeptListing {
  readonly host: HostName;
  /** The oldest first. */
  readonly sets: readonly KeptSet[];
}

/** For people. */
export const isWhole = ({ missing, snapshots, about }: KeptSet): boolean =>
  missing === 0 && about !== undefined && snapshots.every(({ state }) => state === 'whole');
