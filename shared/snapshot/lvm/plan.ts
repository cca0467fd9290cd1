/** What planning thick and thin snapshots has in common: each volume for itself, and all that is lacking in one error. */
import { StillpointError } from '../../base/errors.ts';
import { Problems } from '../../base/problems.ts';
import type { Measurement } from '../measure.ts';
import type { OriginVolume, PlannedItem, SnapshotWish, StoragePlan } from '../provider.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './records.ts';
import type { ThinPool } from './thin/pool.ts';

/** What is known of an origin when a snapshot of it is planned. */
export interface Origin {
  readonly volume: LogicalVolumeRecord;
  readonly group: VolumeGroupRecord;
  /** Of the mounted file system. */
  readonly measured: Measurement | undefined;
  /** Of a thin volume. */
  readonly pool: ThinPool | undefined;
}

/** For whom, and where by the name by which the user knows it. */
export interface PlanContext extends SnapshotWish {
  readonly host: string;
}

/** One snapshot, and what a person should know of it. */
export interface PlannedOne {
  readonly item: PlannedItem;
  readonly risks: readonly string[];
}

/** @param originOf of a volume that can be snapshotted; undefined for every other one */
export function planEach(
  volumes: readonly OriginVolume[],
  originOf: (volume: OriginVolume) => Origin | undefined,
  { host }: PlanContext,
  planOne: (volume: OriginVolume, origin: Origin) => PlannedOne,
): StoragePlan {
  const problems = new Problems();
  const planned = volumes.flatMap((volume) => {
    const one = problems.attempt(() => planOne(volume, originOf(volume) ?? refuse(volume)));
    return one === undefined ? [] : [one];
  });
  problems.throwIfAny((count) => `There is no room on "${host}" for ${count} of ${volumes.length} snapshots`);
  return { items: planned.map(({ item }) => item), risks: planned.flatMap(({ risks }) => risks) };
}

function refuse({ volume }: OriginVolume): never {
  throw new StillpointError('snapshot.unsupported', `"${volume.label}" is not a volume that LVM can snapshot.`, {
    advice: volume.snapshot.possible ? 'Choose another path.' : volume.snapshot.remedy,
    details: { volume: volume.label },
    cause: undefined,
  });
}
