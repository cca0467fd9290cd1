/**
 * The names that our snapshots bear on a host, minted and parsed by one pair of functions, so that a later process can
 * tell ours without any memory of the run. LVM allows letters, digits and `_+.-`; a hyphen doubles in device-mapper
 * names, hence underscores. Old traces depend on this form: it never changes, it only gets successors.
 */
import { createHash } from 'node:crypto';
import { type RunId, runId } from './names.ts';

const FORM = /^sp_([0-9a-f]{8})_([0-9a-f]{8})$/;

/** `sp_<run>_<volume>`, where the volume part is the start of the SHA-256 of the volume's id. */
export function mintSnapshotName(run: RunId, volumeId: string): string {
  return `sp_${run}_${createHash('sha256').update(volumeId).digest('hex').slice(0, 8)}`;
}

export function parseSnapshotName(name: string): { readonly run: RunId; readonly volume: string } | undefined {
  const match = FORM.exec(name);
  if (!match) return undefined;
  return { run: runId(match[1] ?? ''), volume: match[2] ?? '' };
}
