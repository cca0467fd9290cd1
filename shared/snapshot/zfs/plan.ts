/** Which snapshots of datasets a run would make, and whether there is the room for them. */
import { formatBytes } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { Problems } from '../../base/problems.ts';
import { mintSnapshotName } from '../../domain/snapshot-name.ts';
import type { OriginVolume, RunIdentity, StoragePlan } from '../provider.ts';
import { datasetItem } from './item.ts';
import { snapshotOf } from './naming.ts';
import type { DatasetRecord } from './records.ts';
import { leastBefore, leastWhile, type Room, roomOf } from './room.ts';
import type { PoolFacts } from './survey-command.ts';

export interface Wanted {
  readonly detected: OriginVolume;
  readonly dataset: DatasetRecord;
  readonly pool: PoolFacts;
}

interface PlanContext extends RunIdentity {
  readonly host: string;
  /** Ids of the mounts of ZFS. */
  readonly knownMounts: readonly number[];
}

export function planDatasets(wanted: readonly Wanted[], context: PlanContext): StoragePlan {
  const { run, host, knownMounts } = context;
  const problems = new Problems();
  const rooms = new Map(wanted.map(({ dataset, pool }) => [dataset, roomOf(dataset, pool.datasets)]));
  for (const [dataset, room] of rooms) problems.attempt(() => requireRoom(dataset, room, host));
  problems.throwIfAny((count) => `There is no room for the snapshots of ${count} ZFS datasets of "${host}"`);
  const names = new Map(wanted.map((each) => [each, mintSnapshotName(run, each.detected.volume.id)]));
  const byPool = Map.groupBy(wanted, ({ pool }) => pool);
  return {
    items: wanted.map((each) => {
      const { detected, dataset, pool } = each;
      const { volume, places } = detected;
      const name = names.get(each) ?? '';
      const room = rooms.get(dataset) ?? roomOf(dataset, pool.datasets);
      const [first, ...others] = byPool.get(pool) ?? [];
      const all = first === each ? [...others, each] : [];
      return datasetItem({
        identity: context,
        volume: detected,
        planned: {
          ...{ volume: volume.label, volumeId: volume.id, snapshot: name, sizeBytes: 0, freeBytesAfter: 0 },
          mountpoint: volume.mountpoints[0] ?? '',
        },
        order: {
          ...{ pool: pool.name, poolGuid: pool.guid, dataset: dataset.name, guid: dataset.guid, name, knownMounts },
          room: { dataset: room.dataset, by: room.by, leastBytes: leastWhile(room) },
          all: all.map((one) => snapshotOf(one.dataset.name, names.get(one) ?? '')),
          places: places.map(({ target, root }) => ({ target, root })),
        },
      });
    }),
    risks: [...byPool.keys()].flatMap(risksOf),
  };
}

function requireRoom({ name }: DatasetRecord, room: Room, host: string): void {
  if (room.freeBytes >= leastBefore(room)) return;
  const { dataset, by, freeBytes, totalBytes } = room;
  const left = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are left ${by === 'quota' ? 'of the quota of' : 'in'} "${dataset}"`;
  throw new StillpointError(
    'snapshot.no-room',
    `A snapshot of "${name}" on "${host}" would hold what is changed while it is read, and ${left}.`,
    {
      advice: `Remove what is not needed there, old snapshots first ("zfs list -o space -r ${dataset}"), raise the quota ("zfs get quota ${dataset}") if there is one, or add a device to the pool.`,
      details: { host, volume: name, ...room },
      cause: undefined,
    },
  );
}

function risksOf({ name, health }: PoolFacts): readonly string[] {
  return health === 'DEGRADED'
    ? [
        `The ZFS pool "${name}" runs without one of its devices (see "zpool status ${name}"); the backup reads what there is.`,
      ]
    : [];
}
