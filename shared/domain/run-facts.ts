/**
 * What a run did that lasts. An error in the middle of a run cannot know what it means for the whole:
 * whether the restore point is saved already, whether the snapshot is gone. So consequences are never written where an
 * error arises; they are computed from these facts when the job has ended (`consequences.ts`).
 *
 * They say no more than what was reported back: what was begun and not answered is `unsure`.
 */
export interface RunFacts {
  /** Absent where no host was to be changed. */
  readonly host?: HostFacts;
  /** By the repository's name; absent for one in which nothing changed. Locks are not counted. */
  readonly stores: Readonly<Record<string, StoreFacts>>;
  /** The folder of a restore, the archive or mirror of an export, once something may have been written there. */
  readonly target?: TargetFacts;
  /** Things that could not be cleaned up. */
  readonly left: readonly string[];
}

export interface HostFacts {
  readonly host: string;
  /** `unknown`: the sweep of older traces was begun and never answered. */
  readonly sweep: 'none' | 'unknown' | 'done';
  /** What it removed. */
  readonly swept: readonly string[];
  readonly run?: string;
  /**
   * `held`: the run was begun there and never released. `released`: nothing of it is left. `left`: it was released, and
   * not all could be removed.
   */
  readonly state: 'untouched' | 'held' | 'released' | 'left';
  readonly snapshotsMade: number;
  /** Names under which snapshots stay were about to be given. */
  readonly isKeeping?: true;
  /** Of these, those that have got the name under which they stay; absent for none. */
  readonly snapshotsKept?: number;
}

/** What a run wrote into a repository and removed from it, beside restore points. Locks are not counted. */
export interface StoreCounts {
  readonly packsSaved: number;
  readonly packsRemoved: number;
  readonly indexesSaved: number;
  readonly indexesRemoved: number;
  /** Of these it is not known whether they were written or removed. */
  readonly filesUnsure: number;
}

export interface StoreFacts extends StoreCounts {
  /** Ids of restore points. */
  readonly pointsSaved: readonly string[];
  readonly pointsRemoved: readonly string[];
  /** "restore point 0a1b2c3d was saved": what was begun and may or may not have happened. */
  readonly unsure: readonly string[];
  /** Ids of restore points that were about to be saved or removed; only while the run lasts. */
  readonly pending?: readonly Pending[];
  /** Packs and index files were about to be changed; only while the run lasts. */
  readonly isChanging?: true;
  /** The process died, so that its counts are the least that was done. */
  readonly isCutShort?: true;
}

interface Pending {
  readonly restorePoint: string;
  readonly wanted: 'saved' | 'removed';
}

/**
 * `filling`: what comes lies in `work`. `moving`: some of it may be at its place below `path`. `filled`: all of it.
 * `dropped`: nothing of it is anywhere.
 */
export type TargetState = 'filling' | 'moving' | 'filled' | 'dropped';

export interface TargetFacts {
  readonly path: string;
  readonly work: string;
  readonly state: TargetState;
  readonly files: number;
  readonly bytes: number;
}

export const NO_FACTS: RunFacts = { stores: {}, left: [] };

export const NO_STORE: StoreFacts = {
  ...{ pointsSaved: [], pointsRemoved: [], unsure: [] },
  ...{ packsSaved: 0, packsRemoved: 0, indexesSaved: 0, indexesRemoved: 0, filesUnsure: 0 },
};
