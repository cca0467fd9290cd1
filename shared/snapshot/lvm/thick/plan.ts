/** Which thick snapshots a run would make, and whether their volume groups have the room. */
import { formatBytes } from '../../../base/bytes.ts';
import { StillpointError } from '../../../base/errors.ts';
import { mintSnapshotName } from '../../../domain/snapshot-name.ts';
import type { OriginVolume, StoragePlan } from '../../provider.ts';
import { type Origin, type PlanContext, type PlannedOne, planEach } from '../plan.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from '../records.ts';
import { thickItem } from './item.ts';
import { SIZING, sizeSnapshot } from './sizing.ts';

export function planThick(
  volumes: readonly OriginVolume[],
  groups: readonly VolumeGroupRecord[],
  originOf: (volume: OriginVolume) => Origin | undefined,
  context: PlanContext,
): StoragePlan {
  const free = new Map(groups.map((group) => [group.vg_uuid, group.vg_free_count * group.vg_extent_size]));
  return planEach(volumes, originOf, context, (volume, origin) => planOne(volume, origin, free, context));
}

function planOne(
  detected: OriginVolume,
  { volume: lv, group, measured }: Origin,
  free: Map<string, number>,
  { host, lifetimeSeconds, ...identity }: PlanContext,
): PlannedOne {
  const { volume } = detected;
  const freeBytes = free.get(group.vg_uuid) ?? 0;
  const extentBytes = group.vg_extent_size;
  const { size, needed } = sizeSnapshot({
    ...{ originBytes: lv.lv_size, usedBytes: volume.usedBytes, freeBytes, extentBytes },
    ...{ writtenBytesPerSecond: measured?.writtenPerSecond, lifetimeSeconds },
  });
  // What one lacks is not there for the next one either.
  free.set(group.vg_uuid, Math.max(0, freeBytes - (size?.sizeBytes ?? needed)));
  if (size === undefined) throw noRoom(lv, group, { host, freeBytes, needed });
  const snapshot = mintSnapshotName(identity.run, volume.id);
  const reserveExtents = Math.ceil(group.vg_free_count * SIZING.reserveShare);
  const spareBytes = Math.max(0, freeBytes - size.sizeBytes - reserveExtents * extentBytes);
  const item = thickItem({
    identity,
    volume: detected,
    mostBytes: size.cannotOverflow ? undefined : size.sizeBytes + spareBytes,
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
      reserveExtents,
      fsType: detected.isRaw === true ? undefined : volume.fsType,
      extentBytes,
    },
  });
  const life = lifetimeSeconds === undefined ? undefined : lifeInWords(size.sizeBytes, measured?.writtenPerSecond);
  return { item, risks: risksOf(volume.label, lv, size.cannotOverflow ? undefined : size.sizeBytes, life) };
}

/** How long a snapshot of this size is likely to live. */
function lifeInWords(sizeBytes: number, writtenPerSecond: number | undefined): string {
  if (writtenPerSecond === undefined) return 'how fast that is, could not be measured';
  const hours = sizeBytes / Math.max(1, writtenPerSecond) / 3600;
  const rate = 'by what was written since the host was started';
  if (hours > 24 * 365) return `${rate}, that takes more than a year`;
  return `${rate}, that takes about ${hours < 48 ? `${Math.max(1, Math.round(hours))} h` : `${Math.round(hours / 24)} days`}`;
}

/** @param life of a snapshot that stays: how long it is likely to */
function risksOf(
  label: string,
  lv: LogicalVolumeRecord,
  roomBytes: number | undefined,
  life: string | undefined,
): readonly string[] {
  const risks: string[] = [];
  if (roomBytes !== undefined) {
    const what = `The snapshot of ${label} can hold ${formatBytes(roomBytes)} of changes`;
    risks.push(
      life === undefined
        ? `${what}; if more is written while it is read, the run fails.`
        : `${what}, and takes as much from the volume group until it is removed. When more was written, it is worth nothing any more; ${life}.`,
    );
  }
  if (lv.lv_attr.startsWith('o')) risks.push(`${label} has a snapshot already; each one slows its writes.`);
  if (/^R|^.{8}[rm]/.test(lv.lv_attr)) {
    risks.push(
      `${label} is a RAID that is not whole at present (see "lvs -a -o name,attr,sync_percent ${lv.vg_name}"); what is read is what there is, and reading slows the recovery.`,
    );
  }
  return risks;
}

/** What the volumes before it take, or would, is not there for it. */
function freeInWords(freeBytes: number, group: VolumeGroupRecord): string {
  const groupBytes = group.vg_free_count * group.vg_extent_size;
  const free = `${formatBytes(groupBytes)} free`;
  if (freeBytes === groupBytes) return free;
  return `${free}, of which ${freeBytes === 0 ? 'nothing' : formatBytes(freeBytes)} is left beside the snapshots of other volumes`;
}

function noRoom(
  lv: LogicalVolumeRecord,
  group: VolumeGroupRecord,
  { host, freeBytes, needed }: { readonly host: string; readonly freeBytes: number; readonly needed: number },
): StillpointError {
  const withReserve = Math.ceil(needed / (1 - SIZING.reserveShare));
  return new StillpointError(
    'snapshot.no-room',
    `The volume group "${group.vg_name}" on "${host}" has ${freeInWords(freeBytes, group)}; a snapshot of "${lv.lv_name}" needs ${formatBytes(withReserve)}.`,
    {
      advice: `Add a disk with "vgextend ${group.vg_name} DEVICE", or remove a logical volume that nobody needs ("lvs ${group.vg_name}" lists them).`,
      details: { host, group: group.vg_name, volume: lv.lv_name, freeBytes, neededBytes: withReserve },
      cause: undefined,
    },
  );
}
