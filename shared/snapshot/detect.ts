/**
 * From mounts and LVM's reports to volumes: what is mounted where, and what a snapshot could be had of. Pure.
 *
 * A mount belongs to a logical volume when its device number is that of the volume. Mounts of one device (bind mounts)
 * are one volume with several mountpoints. What cannot be snapshotted is listed with its reason, never left out.
 */
import { displayName } from '../base/bytes.ts';
import type { Mount, SnapshotCapability, Volume, VolumeKind } from '../domain/host.ts';
import { snapshotCapability } from './lvm/origin.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './lvm/records.ts';

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

export function detectVolumes(
  mounts: readonly Mount[],
  volumes: readonly LogicalVolumeRecord[],
  groups: readonly VolumeGroupRecord[],
  use: ReadonlyMap<string, FileSystemUse>,
): readonly DetectedVolume[] {
  const byDevice = Map.groupBy(mounts, (mount) => mount.device);
  const lvByDevice = new Map(volumes.map((lv) => [`${lv.lv_kernel_major}:${lv.lv_kernel_minor}`, lv]));
  const groupByUuid = new Map(groups.map((group) => [group.vg_uuid, group]));
  return [...byDevice].map(([device, sharing]) => {
    const lv = lvByDevice.get(device);
    const group = lv === undefined ? undefined : groupByUuid.get(lv.vg_uuid);
    return detect(device, sharing, lv, group, use.get(device));
  });
}

function detect(
  device: string,
  mounts: readonly Mount[],
  lv: LogicalVolumeRecord | undefined,
  group: VolumeGroupRecord | undefined,
  use: FileSystemUse | undefined,
): DetectedVolume {
  // The mount of the file system's own root shows everything; a bind mount may show a part.
  const ordered = [...mounts].sort((a, b) => a.root.length - b.root.length);
  const first = ordered[0] as Mount;
  const kind = kindOf(first, lv);
  const volume: Volume = {
    id: lv === undefined ? `dev:${device}` : `lvm:${lv.lv_uuid}`,
    kind,
    label: lv === undefined ? displayName(first.source) : `${lv.vg_name}/${lv.lv_name}`,
    mountpoints: ordered.map((mount) => displayName(mount.target)),
    fsType: first.fsType,
    sizeBytes: lv?.lv_size ?? use?.sizeBytes,
    usedBytes: use?.usedBytes,
    snapshot: lv === undefined ? noProvider(kind, first) : snapshotCapability(lv, group, first.fsType),
  };
  return { volume, mounts: ordered, lvm: lv && group ? { volume: lv, group } : undefined };
}

function kindOf(mount: Mount, lv: LogicalVolumeRecord | undefined): VolumeKind {
  if (lv !== undefined) return lv.pool_lv === '' ? 'lvm-thick' : 'lvm-thin';
  if (PSEUDO.has(mount.fsType)) return 'pseudo';
  if (NETWORK.has(mount.fsType)) return 'network';
  if (mount.fsType === 'overlay') return 'overlay';
  if (mount.fsType.startsWith('fuse')) return 'fuse';
  if (mount.fsType === 'zfs' || mount.fsType === 'btrfs') return mount.fsType;
  return 'plain';
}

function noProvider(kind: VolumeKind, mount: Mount): SnapshotCapability {
  const where = displayName(mount.target);
  const no = (reason: string, remedy: string): SnapshotCapability => ({ possible: false, reason, remedy });
  switch (kind) {
    case 'pseudo':
      return no(`"${where}" is ${mount.fsType}, which holds no data of its own`, 'Leave it out.');
    case 'network':
      return no(`"${where}" is on the network (${mount.fsType})`, 'Back it up on the machine that serves it.');
    case 'overlay':
      return no(`"${where}" is an overlay`, 'Back up the folders that it is made of.');
    case 'fuse':
      return no(`"${where}" is provided by a program (${mount.fsType})`, 'Back up what the program stores.');
    case 'zfs':
      return no(`"${where}" is on ZFS, which this version cannot snapshot`, 'Choose a path on a thick LVM volume.');
    case 'btrfs':
      return no(`"${where}" is on Btrfs, which this version cannot snapshot`, 'Choose a path on a thick LVM volume.');
    default:
      return no(
        `"${where}" is on ${displayName(mount.source)}, a plain device that nothing can snapshot`,
        'Move the data to an LVM logical volume; then a snapshot is possible.',
      );
  }
}

/** Whether a mount below a source's path holds data that a person may expect in the backup. */
export function holdsData(detected: DetectedVolume): boolean {
  return detected.volume.kind !== 'pseudo';
}
