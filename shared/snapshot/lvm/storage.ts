/**
 * What LVM has on a host. A mount belongs to a logical volume when its device number is that of the volume: with
 * encryption, RAID or partitions in between, LVM's own freeze would not reach the file system. Each kind of snapshot
 * has the volumes that it can be of; what they have in common is here.
 */
import { displayName } from '../../base/bytes.ts';
import type { SnapshotCapability, SnapshotPool, VolumeKind } from '../../domain/host.ts';
import type { OwnerId, RunId } from '../../domain/names.ts';
import {
  type Claim,
  type DeviceClaim,
  type MountedDevice,
  type OriginVolume,
  placeOfMount,
  type RawDevice,
  type SnapshotProvider,
  type Storage,
  type StoragePlan,
} from '../provider.ts';
import { capabilityOfDevice, claimUpper } from './device.ts';
import { lvmKept } from './kept.ts';
import { logicalVolumeOf } from './layers.ts';
import { snapshotCapability } from './origin.ts';
import type { Origin, PlanContext } from './plan.ts';
import { isThin, type LogicalVolumeRecord, type VolumeGroupRecord } from './records.ts';
import { deviceOf, type LvmFacts } from './survey.ts';
import { poolOf } from './thin/pool.ts';
import { lvmUpkeep, type UpkeepKind } from './upkeep.ts';

/** What thick and thin snapshots do each in their own way. */
export interface LvmKind extends UpkeepKind {
  /** Whether snapshots of this kind are made of it. */
  isOrigin(volume: LogicalVolumeRecord): boolean;
  /** Whether it is a snapshot of this kind. */
  isSnapshot(volume: LogicalVolumeRecord): boolean;
  pools(facts: LvmFacts): readonly SnapshotPool[];
  /** The same facts without these snapshots, which a sweep removes. */
  without(facts: LvmFacts, gone: readonly LogicalVolumeRecord[]): LvmFacts;
  /** @param swept what a sweep removes before */
  plan(
    volumes: readonly OriginVolume[],
    facts: LvmFacts,
    swept: readonly LogicalVolumeRecord[],
    originOf: (volume: OriginVolume) => Origin | undefined,
    context: PlanContext,
  ): StoragePlan;
}

export function lvmStorage(
  provider: SnapshotProvider,
  kind: LvmKind,
  facts: LvmFacts,
  swept: readonly LogicalVolumeRecord[] = [],
): Storage {
  const byDevice = new Map(facts.volumes.map((volume) => [deviceOf(volume), volume]));
  const byId = new Map(facts.volumes.map((volume) => [idOf(volume), volume]));
  const groupOf = ({ vg_uuid }: LogicalVolumeRecord): VolumeGroupRecord | undefined =>
    facts.groups.find((group) => group.vg_uuid === vg_uuid);
  const originOf = ({ volume }: OriginVolume): Origin | undefined => {
    const record = byId.get(volume.id);
    const group = record && groupOf(record);
    if (record === undefined || group === undefined || !volume.snapshot.possible) return undefined;
    const pool = poolOf(record, facts.volumes, facts.pools);
    return { volume: record, group, measured: facts.measured.get(deviceOf(record)), pool };
  };
  return {
    provider,
    pools: kind.pools(facts),
    claim: (device) => {
      const volume = byDevice.get(device.device);
      return volume === undefined || !kind.isOrigin(volume) ? [] : [claimOf(volume, groupOf(volume), device, facts)];
    },
    claimDevice: (device) => {
      const volume = byDevice.get(device.device);
      if (volume === undefined) return claimUpper(device);
      return kind.isOrigin(volume) ? claimRaw(volume, groupOf(volume), device, facts) : undefined;
    },
    refuse: refuseUpper,
    upkeep: lvmUpkeep(kind, facts, originOf),
    kept: lvmKept((volume) => kind.isOrigin(volume), facts.volumes),
    afterSweep: (owner, dead) => {
      const gone = facts.volumes.filter(
        (volume) => kind.isSnapshot(volume) && dead.some((run) => isOf(volume, owner, run)),
      );
      return {
        storage: lvmStorage(provider, kind, kind.without(facts, gone), gone),
        removes: gone.map(({ vg_name, lv_name }) => `lvremove -y ${vg_name}/${lv_name}`),
      };
    },
    plan: (volumes, wish) => kind.plan(volumes, facts, swept, originOf, { ...wish, host: facts.host }),
  };
}

const idOf = ({ lv_uuid }: LogicalVolumeRecord): string => `lvm:${lv_uuid}`;

function claimOf(
  volume: LogicalVolumeRecord,
  group: VolumeGroupRecord | undefined,
  { device, mounts: [mount, ...others] }: MountedDevice,
  { volumes, limits, pools, measured }: LvmFacts,
): Claim {
  const measurement = measured.get(device);
  return {
    id: idOf(volume),
    kind: kindOf(volume),
    label: `${volume.vg_name}/${volume.lv_name}`,
    places: [placeOfMount(mount), ...others.map(placeOfMount)],
    sizeBytes: volume.lv_size,
    usedBytes: measurement?.use?.usedBytes,
    snapshot: snapshotCapability({
      ...{ volume, volumes, group, limits, pools, mount },
      hasExternalJournal: measurement?.hasExternalJournal === true,
    }),
  };
}

function claimRaw(
  volume: LogicalVolumeRecord,
  group: VolumeGroupRecord | undefined,
  device: RawDevice,
  { volumes, limits, pools, measured }: LvmFacts,
): DeviceClaim {
  const label = `${volume.vg_name}/${volume.lv_name}`;
  const hasExternalJournal = measured.get(device.device)?.hasExternalJournal === true;
  const of = { volume, volumes, group, limits, pools, mount: device.mount, hasExternalJournal };
  return { id: idOf(volume), kind: kindOf(volume), label, snapshot: capabilityOfDevice(label, device, of) };
}

const kindOf = (volume: LogicalVolumeRecord): VolumeKind =>
  isThin(volume) ? { name: 'lvm-thin', words: 'LVM thin volume' } : { name: 'lvm-thick', words: 'LVM volume' };

/** What lies on top of a logical volume, or on one that LVM does not report. */
function refuseUpper({ mounts: [mount], layers }: MountedDevice): SnapshotCapability | undefined {
  const where = displayName(mount.target);
  const volume = layers.map(logicalVolumeOf).find((name) => name !== undefined);
  if (volume === undefined) return undefined;
  const [top] = layers;
  if (top !== undefined && logicalVolumeOf(top) !== undefined) {
    return no(
      `"${where}" is on the logical volume "${volume}", which LVM on this host does not report`,
      'A filter in lvm.conf ("devices/filter"), the devices file ("lvmdevices") or a missing disk hides it; "lvs -a" on the host must show it.',
    );
  }
  if (layers.some((layer) => layer.mapper?.uuid.startsWith('CRYPT-') === true)) {
    return no(
      `"${where}" is encrypted (dm-crypt) on top of the logical volume "${volume}", and LVM cannot hold a file system still through the encryption`,
      'With the encryption below LVM instead, a physical volume on LUKS, a snapshot is possible.',
    );
  }
  return no(
    `"${where}" is on "${displayName(mount.source)}", which lies on top of the logical volume "${volume}", and LVM cannot hold a file system still through it`,
    'Put the file system on the logical volume itself, without a partition table or another layer in between.',
  );
}

const no = (reason: string, remedy: string): SnapshotCapability => ({ possible: false, reason, remedy });

/** What is ours by name, mark, owner and run, as the sweep itself judges it. */
function isOf({ lv_name, lv_tags }: LogicalVolumeRecord, owner: OwnerId, run: RunId): boolean {
  const marks = ['stillpoint', `sp.run=${run}`, `sp.owner=${owner}`];
  return new RegExp(`^sp_${run}_.{8}$`).test(lv_name) && marks.every((mark) => lv_tags.includes(mark));
}
