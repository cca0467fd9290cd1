/** Which thin snapshots a run would make, and whether their pools have the room that they are likely to cost. */
import { formatBytes } from '../../../base/bytes.ts';
import { StillpointError } from '../../../base/errors.ts';
import { mintSnapshotName } from '../../../domain/snapshot-name.ts';
import { ASSUMED_READ_BYTES_PER_SECOND, CHUNK_BYTES } from '../../measure.ts';
import type { OriginVolume, StoragePlan } from '../../provider.ts';
import { type Origin, type PlanContext, type PlannedOne, planEach } from '../plan.ts';
import type { VolumeGroupRecord } from '../records.ts';
import { inSteps, inStepsDown, roundUp } from '../sizing.ts';
import { BEFORE, WHILE } from './gates.ts';
import { thinItem } from './item.ts';
import type { ThinPool } from './pool.ts';
import { type PoolStatus, roomOf } from './pool-status.ts';

/** @param sweeping uuids of pools in which a sweep is going to remove something first */
export function planThin(
  volumes: readonly OriginVolume[],
  sweeping: ReadonlySet<string>,
  originOf: (volume: OriginVolume) => Origin | undefined,
  context: PlanContext,
): StoragePlan {
  // What all that was planned so far may still cost, by pool.
  const left = new Map<string, number>();
  return planEach(volumes, originOf, context, (volume, origin) => planOne(volume, origin, { left, sweeping }, context));
}

/** A pool of a volume that can be snapshotted, and what is known of it. */
interface Room {
  readonly label: string;
  readonly group: VolumeGroupRecord;
  readonly pool: ThinPool & { readonly status: PoolStatus };
  readonly isSwept: boolean;
  readonly host: string;
}

function planOne(
  detected: OriginVolume,
  { volume: lv, group, pool, measured }: Origin,
  { left, sweeping }: { readonly left: Map<string, number>; readonly sweeping: ReadonlySet<string> },
  { host, lifetimeSeconds, ...identity }: PlanContext,
): PlannedOne {
  const status = pool?.status;
  if (pool === undefined || status === undefined) throw new Error(`${lv.lv_name} has no pool`);
  const { volume } = detected;
  const chunkBytes = pool.volume.chunk_size;
  const room: Room = {
    ...{ label: `${lv.vg_name}/${pool.volume.lv_name}`, group, pool: { ...pool, status }, host },
    isSwept: sweeping.has(pool.volume.lv_uuid),
  };
  requireGates(room);
  const { data } = roomOf(status, chunkBytes);
  const roomBytes = left.get(pool.volume.lv_uuid) ?? roomUntilGate(data);
  // Each chunk of the origin is copied once at the most.
  const likely = Math.min(lv.lv_size, likelyCost(measured, volume.usedBytes ?? lv.lv_size, chunkBytes));
  left.set(pool.volume.lv_uuid, Math.max(0, roomBytes - likely));
  if (likely > roomBytes) throw tooMuchWritten(volume.label, room, { likely, roomBytes });
  const snapshot = mintSnapshotName(identity.run, volume.id);
  const item = thinItem({
    identity,
    volume: detected,
    planned: {
      ...{ volume: volume.label, volumeId: volume.id, snapshot, sizeBytes: 0, freeBytesAfter: 0 },
      mountpoint: volume.mountpoints[0] ?? '',
    },
    order: {
      ...{ group: lv.vg_name, origin: lv.lv_name, name: snapshot },
      ...{ pool: pool.volume.lv_name, chunkBytes, fsType: detected.isRaw === true ? undefined : volume.fsType },
    },
  });
  if (lifetimeSeconds !== undefined) return { item, risks: [keptRisk(volume.label, room, roomBytes)] };
  return { item, risks: lv.lv_size > roomBytes ? [fillRisk(volume.label, room, roomBytes)] : [] };
}

/** What may be written into a pool while a snapshot of ours lives in it. */
export const roomUntilGate = ({ used, total }: { readonly used: number; readonly total: number }): number =>
  Math.floor((total * WHILE.data) / 100) - used;

/**
 * What is likely to be written while it is read, in chunks of the pool: each request may touch one that it does not fill.
 * An average since boot, and no margin: where it is more, the watchman gives the snapshot up, and the origin has lost
 * nothing.
 */
function likelyCost(measured: Origin['measured'], readBytes: number, chunkBytes: number): number {
  const seconds = readBytes / ASSUMED_READ_BYTES_PER_SECOND;
  const { writtenPerSecond = 0, writesPerSecond = 0 } = measured ?? {};
  return (writtenPerSecond + writesPerSecond * Math.max(0, chunkBytes - CHUNK_BYTES)) * seconds;
}

/** In steps, so that a plan does not change with every write to the pool. */
function fillRisk(volume: string, { label }: Room, roomBytes: number): string {
  return `${volume} has no room of its own for changes: if more than ${formatBytes(inStepsDown(roomBytes))} is written to its pool ${label} while it is read, that is ${WHILE.data} % full, and the run is given up.`;
}

/** Of one that stays: nothing of ours is on the host that would remove it in time. */
function keptRisk(volume: string, { label }: Room, roomBytes: number): string {
  return `The snapshot of ${volume} shares the pool ${label} with its origin, and nobody watches it there: whatever is changed takes room until it is removed. ${formatBytes(inStepsDown(roomBytes))} more, and the pool is ${WHILE.data} % full; when it is full, all volumes in it are in trouble.`;
}

function requireGates(room: Room): void {
  const { label, pool, host, group } = room;
  const rooms = roomOf(pool.status, pool.volume.chunk_size);
  for (const what of ['data', 'metadata'] as const) {
    const { used, total } = rooms[what];
    if (used * 100 <= total * BEFORE[what]) continue;
    throw new StillpointError(
      'snapshot.no-room',
      `The ${what} of the thin pool "${label}" on "${host}" is ${Math.floor((used / total) * 100)} % full (${formatBytes(used)} of ${formatBytes(total)}); a snapshot there is begun up to ${BEFORE[what]} %.`,
      {
        advice: `${larger(what, room)}${room.isSwept ? ` Or first remove what earlier runs left in it: "stillpoint sweep ${host}".` : ''}`,
        details: {
          ...{ host, group: group.vg_name, pool: label, what, usedBytes: used, totalBytes: total },
          mends: mendsOf(what, room),
        },
        cause: undefined,
      },
    );
  }
}

/**
 * The line that takes the pool a tenth below the gate, and by as much as is missing, and whether its group has the room for
 * that.
 */
export function largerPool(
  what: 'data' | 'metadata',
  { label, group, pool }: Pick<Room, 'label' | 'group' | 'pool'>,
  missingBytes = 0,
): { readonly line: string; readonly fits: boolean } {
  const { used, total } = roomOf(pool.status, pool.volume.chunk_size)[what];
  const unit = Math.max(group.vg_extent_size, 1024 * 1024);
  const untilGate = (used * 100) / (BEFORE[what] - 10) - total;
  const more = Math.max(unit, roundUp(Math.max(untilGate, (missingBytes * 100) / WHILE[what]), unit));
  const size = `${more / (1024 * 1024)}m`;
  return {
    line: what === 'data' ? `lvextend -L +${size} ${label}` : `lvextend --poolmetadatasize +${size} ${label}`,
    fits: freeBytesOf(group) >= more,
  };
}

const freeBytesOf = (group: VolumeGroupRecord): number => group.vg_free_count * group.vg_extent_size;

function mendsOf(what: 'data' | 'metadata', room: Room, missingBytes = 0): readonly string[] {
  const { line, fits } = largerPool(what, room, missingBytes);
  return fits ? [line] : [];
}

/** Ours to offer, and an administrator's to decide. */
function larger(what: 'data' | 'metadata', room: Room, missingBytes = 0): string {
  const { group } = room;
  const { line, fits } = largerPool(what, room, missingBytes);
  return fits
    ? `"${line}" makes it larger.`
    : `"${line}" makes it larger, but its volume group has only ${formatBytes(freeBytesOf(group))} free: add a disk with "vgextend ${group.vg_name} DEVICE" before, or remove what nobody needs.`;
}

function tooMuchWritten(
  volume: string,
  room: Room,
  { likely, roomBytes }: { readonly likely: number; readonly roomBytes: number },
): StillpointError {
  const { label, host, group } = room;
  return new StillpointError(
    'snapshot.no-room',
    `While "${volume}" on "${host}" is read, ${formatBytes(inSteps(likely))} are likely to be written to it; its thin pool "${label}" has room for ${formatBytes(roomBytes)} until it is ${WHILE.data} % full.`,
    {
      advice: `Run at a quieter time. ${larger('data', room, inSteps(likely) - roomBytes)}`,
      details: {
        ...{ host, group: group.vg_name, pool: label, volume, likelyBytes: Math.ceil(likely), roomBytes },
        mends: mendsOf('data', room, inSteps(likely) - roomBytes),
      },
      cause: undefined,
    },
  );
}
