/**
 * What LVM has on a host. A mount belongs to a logical volume when its device number is that of the volume: with
 * encryption, RAID or partitions in between, LVM's own freeze would not reach the file system.
 */
import { displayName } from '../../base/bytes.ts';
import type { Mount, SnapshotCapability } from '../../domain/host.ts';
import type { OwnerId, RunId } from '../../domain/names.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { type FileSystemUse, measureMounts } from '../measure.ts';
import {
  type Claim,
  type DetectedVolume,
  type MountedDevice,
  placeOfMount,
  type SnapshotProvider,
  type Storage,
} from '../provider.ts';
import { deviceMapperName } from './create.ts';
import { logicalVolumeOf } from './layers.ts';
import { type LvmLimits, readLvmLimits } from './limits.ts';
import { listLogicalVolumes, listVolumeGroups } from './list.ts';
import { snapshotCapability } from './origin.ts';
import { type Origin, planSnapshots } from './plan.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './records.ts';

/** What was asked; by "major:minor" of a device where it is about mounted file systems. */
export interface LvmFacts {
  /** Of which all this is, by the name by which the user knows it. */
  readonly host: string;
  /** All of them, hidden ones and snapshots too. */
  readonly volumes: readonly LogicalVolumeRecord[];
  readonly groups: readonly VolumeGroupRecord[];
  readonly limits: LvmLimits;
  readonly use: ReadonlyMap<string, FileSystemUse>;
  /** Average writing since boot. */
  readonly writtenBytesPerSecond: ReadonlyMap<string, number>;
  readonly externalJournals: ReadonlySet<string>;
}

export async function surveyLvm(
  provider: SnapshotProvider,
  host: RemoteHost,
  mounting: Promise<readonly Mount[]>,
  signal: AbortSignal,
): Promise<Storage> {
  const [mounts, volumes, groups, limits] = await Promise.all([
    mounting,
    host.run(listLogicalVolumes, signal),
    host.run(listVolumeGroups, signal),
    host.run(readLvmLimits, signal),
  ]);
  const mounted = new Map(mounts.map((mount) => [mount.device, mount]));
  const measured = volumes.flatMap((volume) => {
    const mount = mounted.get(deviceOf(volume));
    return mount === undefined ? [] : [{ mount, mapper: deviceMapperName(volume.vg_name, volume.lv_name) }];
  });
  const measurements = await host.run(measureMounts(measured), signal);
  const found = measured.map(({ mount }, index) => ({ device: mount.device, ...measurements[index] }));
  return lvmStorage(provider, {
    host: host.name,
    volumes,
    groups,
    limits,
    use: new Map(found.flatMap(({ device, use }) => (use === undefined ? [] : [[device, use] as const]))),
    writtenBytesPerSecond: new Map(
      found.flatMap(({ device, writtenPerSecond }) =>
        writtenPerSecond === undefined ? [] : [[device, writtenPerSecond] as const],
      ),
    ),
    externalJournals: new Set(found.filter((each) => each.hasExternalJournal).map(({ device }) => device)),
  });
}

export function lvmStorage(provider: SnapshotProvider, facts: LvmFacts): Storage {
  const byDevice = new Map(facts.volumes.map((volume) => [deviceOf(volume), volume]));
  const byId = new Map(facts.volumes.map((volume) => [idOf(volume), volume]));
  const groupOf = ({ vg_uuid }: LogicalVolumeRecord): VolumeGroupRecord | undefined =>
    facts.groups.find((group) => group.vg_uuid === vg_uuid);
  const originOf = ({ volume }: DetectedVolume): Origin | undefined => {
    const record = byId.get(volume.id);
    const group = record && groupOf(record);
    if (record === undefined || group === undefined || !volume.snapshot.possible) return undefined;
    return { volume: record, group, writtenBytesPerSecond: facts.writtenBytesPerSecond.get(deviceOf(record)) };
  };
  return {
    provider,
    pools: facts.groups.map((group) => ({
      name: group.vg_name,
      kindWords: 'volume group',
      sizeBytes: group.vg_size,
      freeBytes: group.vg_free_count * group.vg_extent_size,
    })),
    claim: (device) => {
      const volume = byDevice.get(device.device);
      return volume === undefined ? [] : [claimOf(volume, groupOf(volume), device, facts)];
    },
    refuse: refuseUpper,
    afterSweep: (owner, dead) => {
      const { groups, removes } = withoutRuns(facts, owner, dead);
      return { storage: lvmStorage(provider, { ...facts, groups }), removes };
    },
    plan: (volumes, identity) => planSnapshots(volumes, facts.groups, originOf, { ...identity, host: facts.host }),
  };
}

const deviceOf = ({ lv_kernel_major, lv_kernel_minor }: LogicalVolumeRecord): string =>
  `${lv_kernel_major}:${lv_kernel_minor}`;

const idOf = ({ lv_uuid }: LogicalVolumeRecord): string => `lvm:${lv_uuid}`;

function claimOf(
  volume: LogicalVolumeRecord,
  group: VolumeGroupRecord | undefined,
  { device, mounts: [mount, ...others] }: MountedDevice,
  facts: LvmFacts,
): Claim {
  const isThin = volume.segtype.split(',').includes('thin');
  const { volumes, limits, use, externalJournals } = facts;
  return {
    id: idOf(volume),
    kind: isThin ? { name: 'lvm-thin', words: 'LVM thin volume' } : { name: 'lvm-thick', words: 'LVM volume' },
    label: `${volume.vg_name}/${volume.lv_name}`,
    places: [placeOfMount(mount), ...others.map(placeOfMount)],
    sizeBytes: volume.lv_size,
    usedBytes: use.get(device)?.usedBytes,
    snapshot: snapshotCapability({
      ...{ volume, volumes, group, limits, mount },
      hasExternalJournal: externalJournals.has(device),
    }),
  };
}

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

/** What is ours by name, mark, owner and run, as the sweep itself judges it, no longer takes room. */
function withoutRuns(
  { volumes, groups }: LvmFacts,
  owner: OwnerId,
  dead: readonly RunId[],
): { readonly groups: readonly VolumeGroupRecord[]; readonly removes: readonly string[] } {
  const gone = volumes.filter((volume) => dead.some((run) => isOf(volume, owner, run)));
  return {
    groups: groups.map((group) => {
      const freed = gone.filter(({ vg_uuid }) => vg_uuid === group.vg_uuid);
      const extents = freed.reduce((sum, { lv_size }) => sum + Math.floor(lv_size / group.vg_extent_size), 0);
      return { ...group, vg_free_count: group.vg_free_count + extents };
    }),
    removes: gone.map(({ vg_name, lv_name }) => `lvremove -y ${vg_name}/${lv_name}`),
  };
}

function isOf({ lv_name, lv_attr, lv_tags }: LogicalVolumeRecord, owner: OwnerId, run: RunId): boolean {
  const marks = ['stillpoint', `sp.run=${run}`, `sp.owner=${owner}`];
  return new RegExp(`^sp_${run}_.{8}$`).test(lv_name) && lv_attr[0] === 's' && marks.every((m) => lv_tags.includes(m));
}
