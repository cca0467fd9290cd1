/**
 * How full a thin pool may be. Thin snapshots have no room of their own: what is written to an origin under a snapshot
 * takes new room of the pool that it shares with everything else in it, and a pool without room stops all of its volumes.
 * Data: writes wait a minute and then fail, for all. Metadata: the pool becomes read-only and must be repaired while
 * nothing of it is in use. So our snapshot has to be gone before that. In percent, gathered so that they can be seen and
 * argued about at one place.
 */

/** From here on no snapshot is begun. */
export const BEFORE = {
  /** A tenth below the other gate: a run needs some room, and one that is thrown away in the middle is worth nothing. */
  data: 80,
  /** A snapshot costs metadata at once, and then for each chunk that its origin writes anew. */
  metadata: 70,
} as const;

/** From here on the watchman gives our snapshot up. */
export const WHILE = {
  /** What is left must hold what is written until he has looked (2 s) and removed it (some seconds more). */
  data: 90,
  /** Below the data's, because the end of metadata is worse, and because removing a snapshot writes some itself. */
  metadata: 85,
} as const;

/** device-mapper's blocks of a pool's metadata. */
export const METADATA_BLOCK_BYTES = 4096;
