/**
 * The names of snapshots that are kept on purpose. No list, guard or sweep of short-lived ones matches them, and none of
 * kept ones matches a short-lived one: the name alone decides what a snapshot is. It never changes, it only gets successors.
 */
import type { Branded } from '../base/brand.ts';
import { StillpointError } from '../base/errors.ts';
import type { RunId } from './names.ts';
import { mintSnapshotName } from './snapshot-name.ts';

/** Eight hex digits: the run that made a set of kept snapshots. */
export type KeptId = Branded<string, 'KeptId'>;

export function keptId(text: string): KeptId {
  if (/^[0-9a-f]{8}$/.test(text)) return text as KeptId;
  throw new StillpointError('usage.invalid', `"${text}" is not the id of kept snapshots.`, {
    advice: 'It has 8 digits, which are 0 to 9 and a to f in small letters; "stillpoint snapshot list HOST" shows it.',
    cause: undefined,
  });
}

/** The set that a run makes. */
export const keptBy = (run: RunId): KeptId => keptId(run);

/** `spk_<set>_<volume>`: what the run calls its snapshot of the volume, with another beginning. */
export const mintKeptName = (set: KeptId, volumeId: string): string =>
  mintSnapshotName(set as string as RunId, volumeId).replace(/^sp_/, 'spk_');

/** The set of a kept name; undefined where it has another form. */
export function setOfName(name: string): KeptId | undefined {
  const [, set] = /^spk_([0-9a-f]{8})_[0-9a-f]{8}$/.exec(name) ?? [];
  return set === undefined ? undefined : keptId(set);
}
