/** Which snapshots a run would make, and whether their volume groups have the room. */
import { formatBytes } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { Problems } from '../../base/problems.ts';
import { mintSnapshotName } from '../../domain/snapshot-name.ts';
import type { DetectedVolume, RunIdentity, StoragePlan } from '../provider.ts';
import { type LvmItem, lvmItem } from './item.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './records.ts';
import { SIZING, sizeSnapshot } from './sizing.ts';

/** What is known of an origin when a snapshot of it is planned. */
export interface Origin {
  readonly volume: LogicalVolumeRecord;
  readonly group: VolumeGroupRecord;
  /** Average since boot; undefined when it could not be read. */
  readonly writtenBytesPerSecond: number | undefined;
}

/** @param originOf of a volume that can be snapshotted; undefined for every other one */
export function planSnapshots(
  volumes: readonly DetectedVolume[],
  groups: readonly VolumeGroupRecord[],
  originOf: (volume: DetectedVolume) => Origin | undefined,
  { host, ...identity }: RunIdentity & { readonly host: string },
): StoragePlan {
  const free = new Map(groups.map((group) => [group.vg_uuid, group.vg_free_count * group.vg_extent_size]));
  const risks: string[] = [];
  const problems = new Problems();
  const items = volumes.flatMap((volume) => {
    const item = problems.attempt(() =>
      planItem(volume, originOf(volume) ?? refuse(volume), free, { ...identity, host }),
    );
    if (item !== undefined) risks.push(...item.risks);
    return item === undefined ? [] : [item.item];
  });
  problems.throwIfAny((count) => `There is no room on "${host}" for ${count} of ${volumes.length} snapshots`);
  return { items, risks };
}

function planItem(
  detected: DetectedVolume,
  { volume: lv, group, writtenBytesPerSecond }: Origin,
  free: Map<string, number>,
  { host, ...identity }: RunIdentity & { readonly host: string },
): { readonly item: LvmItem; readonly risks: readonly string[] } {
  const { volume } = detected;
  const freeBytes = free.get(group.vg_uuid) ?? 0;
  const extentBytes = group.vg_extent_size;
  const { size, needed } = sizeSnapshot({
    ...{ originBytes: lv.lv_size, usedBytes: volume.usedBytes, freeBytes, extentBytes, writtenBytesPerSecond },
  });
  // What one lacks is not there for the next one either.
  free.set(group.vg_uuid, Math.max(0, freeBytes - (size?.sizeBytes ?? needed)));
  if (size === undefined) throw noRoom(lv, group, { host, freeBytes, needed });
  const snapshot = mintSnapshotName(identity.run, volume.id);
  const item = lvmItem({
    identity,
    volume: detected,
    planned: {
      volume: volume.label,
      volumeId: volume.id,
      snapshot,
      sizeBytes: size.sizeBytes,
      freeBytesAfter: freeBytes - size.sizeBytes,
      mountpoint: volume.mountpoints[0] ?? '',
    },
    order: {
      group: lv.vg_name,
      origin: lv.lv_name,
      name: snapshot,
      extents: size.extents,
      leastExtents: needed / extentBytes,
      reserveExtents: Math.ceil(group.vg_free_count * SIZING.reserveShare),
      fsType: volume.fsType,
      extentBytes,
    },
  });
  return { item, risks: risksOf(volume.label, lv, size.cannotOverflow ? undefined : size.sizeBytes) };
}

function risksOf(label: string, lv: LogicalVolumeRecord, roomBytes: number | undefined): readonly string[] {
  const risks: string[] = [];
  if (roomBytes !== undefined) {
    risks.push(
      `The snapshot of ${label} can hold ${formatBytes(roomBytes)} of changes; if more is written while it is read, the run fails.`,
    );
  }
  if (lv.lv_attr.startsWith('o')) risks.push(`${label} has a snapshot already; each one slows its writes.`);
  if (/^R|^.{8}[rm]/.test(lv.lv_attr)) {
    risks.push(
      `${label} is a RAID that is not whole at present (see "lvs -a -o name,attr,sync_percent ${lv.vg_name}"); the backup reads what there is, and slows the recovery.`,
    );
  }
  return risks;
}

function refuse({ volume }: DetectedVolume): never {
  throw new StillpointError('snapshot.unsupported', `"${volume.label}" is not a volume that LVM can snapshot.`, {
    advice: volume.snapshot.possible ? 'Choose another path.' : volume.snapshot.remedy,
    details: { volume: volume.label },
    cause: undefined,
  });
}

function noRoom(
  lv: LogicalVolumeRecord,
  group: VolumeGroupRecord,
  { host, freeBytes, needed }: { readonly host: string; readonly freeBytes: number; readonly needed: number },
): StillpointError {
  const withReserve = Math.ceil(needed / (1 - SIZING.reserveShare));
  return new StillpointError(
    'snapshot.no-room',
    `The volume group "${group.vg_name}" on "${host}" has ${formatBytes(freeBytes)} free for it; a snapshot of "${lv.lv_name}" needs ${formatBytes(withReserve)}.`,
    {
      advice: `Add a disk with "vgextend ${group.vg_name} DEVICE", or remove a logical volume that nobody needs ("lvs ${group.vg_name}" lists them).`,
      details: { host, group: group.vg_name, volume: lv.lv_name, freeBytes, neededBytes: withReserve },
      cause: undefined,
    },
  );
}
