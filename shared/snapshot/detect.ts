/**
 * From mounts and LVM's reports to volumes: what is mounted where, and what a snapshot could be taken of. Pure.
 *
 * A mount belongs to a logical volume when its device number is that of the volume. Mounts of one device (bind mounts)
 * are one volume with several mountpoints. What cannot be snapshotted is listed with its reason, never left out.
 */
import { displayName } from '../base/bytes.ts';
import type { Mount, Volume, VolumeKind } from '../domain/host.ts';
import type { BlockDevices } from './block-devices.ts';
import type { LvmLimits } from './lvm/limits.ts';
import { snapshotCapability } from './lvm/origin.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './lvm/records.ts';
import { withoutProvider } from './without-provider.ts';

/** A volume with what only this room needs to know of it. */
export interface DetectedVolume {
  readonly volume: Volume;
  readonly mounts: readonly Mount[];
  readonly lvm: { readonly volume: LogicalVolumeRecord; readonly group: VolumeGroupRecord } | undefined;
}

export interface FileSystemUse {
  readonly sizeBytes: number;
  readonly usedBytes: number;
}

const PSEUDO = new Set(
  'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hostfs hugetlbfs mqueue nsfs proc pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tmpfs tracefs'.split(
    ' ',
  ),
);
const NETWORK = new Set('9p afs ceph cifs glusterfs lustre nfs nfs4 smb3 virtiofs'.split(' '));

/** What was looked at on a host; everything by "major:minor" of a device unless said otherwise. */
export interface StorageFacts {
  readonly volumes: readonly LogicalVolumeRecord[];
  readonly groups: readonly VolumeGroupRecord[];
  readonly limits: LvmLimits;
  readonly devices: BlockDevices;
  readonly use: ReadonlyMap<string, FileSystemUse>;
  readonly externalJournals: ReadonlySet<string>;
}

export function detectVolumes(mounts: readonly Mount[], facts: StorageFacts): readonly DetectedVolume[] {
  const byDevice = Map.groupBy(mounts, (mount) => mount.device);
  const lvByDevice = new Map(facts.volumes.map((lv) => [`${lv.lv_kernel_major}:${lv.lv_kernel_minor}`, lv]));
  return [...byDevice].map(([device, sharing]) => detect(device, sharing, lvByDevice.get(device), facts));
}

function detect(
  device: string,
  mounts: readonly Mount[],
  lv: LogicalVolumeRecord | undefined,
  facts: StorageFacts,
): DetectedVolume {
  // The mount of the file system's own root shows everything; a bind mount may show a part.
  const ordered = [...mounts].sort((a, b) => a.root.length - b.root.length);
  const first = ordered[0] as Mount;
  const kind = kindOf(first, lv);
  const group = lv && facts.groups.find((each) => each.vg_uuid === lv.vg_uuid);
  const use = facts.use.get(device);
  const volume: Volume = {
    id: lv === undefined ? `dev:${device}` : `lvm:${lv.lv_uuid}`,
    kind,
    label: lv === undefined ? displayName(first.source) : `${lv.vg_name}/${lv.lv_name}`,
    mountpoints: ordered.map((mount) => displayName(mount.target)),
    fsType: first.fsType,
    sizeBytes: lv?.lv_size ?? use?.sizeBytes,
    usedBytes: use?.usedBytes,
    snapshot:
      lv === undefined
        ? withoutProvider(kind, first, facts.devices)
        : snapshotCapability({
            volume: lv,
            volumes: facts.volumes,
            group,
            limits: facts.limits,
            mount: first,
            hasExternalJournal: facts.externalJournals.has(device),
          }),
  };
  return { volume, mounts: ordered, lvm: lv && group ? { volume: lv, group } : undefined };
}

function kindOf(mount: Mount, lv: LogicalVolumeRecord | undefined): VolumeKind {
  if (lv !== undefined) return lv.segtype.split(',').includes('thin') ? 'lvm-thin' : 'lvm-thick';
  if (PSEUDO.has(mount.fsType)) return 'pseudo';
  if (NETWORK.has(mount.fsType)) return 'network';
  if (mount.fsType === 'overlay') return 'overlay';
  if (mount.fsType.startsWith('fuse')) return 'fuse';
  if (mount.fsType === 'zfs' || mount.fsType === 'btrfs') return mount.fsType;
  return 'plain';
}

/** Whether a mount below a source's path holds data that a person may expect in the backup. */
export function holdsData(detected: DetectedVolume): boolean {
  return detected.volume.kind !== 'pseudo';
}
