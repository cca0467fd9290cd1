/**
 * The names that our snapshots bear on a host. A later process, and the watchman's script, tell ours by their form without
 * any memory of the run. Of letters, digits and underscores, which every storage allows
 * and none writes in another way. Old traces depend on this form: it never changes, it only gets successors.
 */
import { createHash } from 'node:crypto';
import type { RunId } from './names.ts';

/** `sp_<run>_<volume>`, where the volume part is the start of the SHA-256 of the volume's id. */
export function mintSnapshotName(run: RunId, volumeId: string): string {
  return `sp_${run}_${createHash('sha256').update(volumeId).digest('hex').slice(0, 8)}`;
}
