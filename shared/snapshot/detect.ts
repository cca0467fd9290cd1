/**
 * From mounts and what the providers found to volumes: what is mounted where, and what a snapshot could be taken of. Pure.
 *
 * A volume is what its provider says, not a device: several volumes may share one, and be mounted nowhere. Mounts of one
 * device that no provider claims (bind mounts) are one volume with several mountpoints. What cannot be snapshotted is
 * listed with its reason, never left out.
 */
import { displayName } from '../base/bytes.ts';
import { BARE_KINDS, type Mount, type VolumeKind } from '../domain/host.ts';
import { type BlockDevices, layersOf } from './block-devices.ts';
import { type Claim, type DetectedVolume, type MountedDevice, placeOfMount, type Storage } from './provider.ts';
import { withoutProvider } from './without-provider.ts';

const PSEUDO = new Set(
  'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hostfs hugetlbfs mqueue nsfs proc pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tmpfs tracefs'.split(
    ' ',
  ),
);
const NETWORK = new Set('9p afs ceph cifs glusterfs lustre nfs nfs4 smb3 virtiofs'.split(' '));

export function detectVolumes(
  mounts: readonly Mount[],
  devices: BlockDevices,
  storages: readonly Storage[],
): readonly DetectedVolume[] {
  const byDevice = Map.groupBy(mounts, (mount) => mount.device);
  return [...byDevice].flatMap(([device, sharing]) => {
    // The mount of the file system's own root shows everything; a bind mount may show a part.
    const ordered = sharing.toSorted((a, b) => a.root.length - b.root.length) as [Mount, ...Mount[]];
    return detect({ device, mounts: ordered, layers: layersOf(device, devices) }, storages);
  });
}

function detect(device: MountedDevice, storages: readonly Storage[]): readonly DetectedVolume[] {
  const claims = storages.map((storage) => storage.claim(device)).find((each) => each.length > 0) ?? [];
  // What is mounted in the kernel's eyes and no claim shows is not left out either.
  const shown = new Set(claims.flatMap(({ places }) => places.map(({ mount }) => mount)));
  const [first, ...others] = device.mounts.filter((mount) => !shown.has(mount));
  const rest = first === undefined ? [] : [unclaimed({ ...device, mounts: [first, ...others] }, storages)];
  return [...claims, ...rest].map(({ kind, places, ours, ...facts }) => ({
    volume: {
      ...facts,
      kind: kind.name,
      kindWords: kind.words,
      mountpoints: places.map(({ target }) => displayName(target)),
      fsType: places[0].mount.fsType,
    },
    places,
    ...(ours === undefined ? {} : { ours }),
  }));
}

function unclaimed(device: MountedDevice, storages: readonly Storage[]): Claim {
  const [first, ...others] = device.mounts;
  const kind = kindOf(first);
  return {
    id: `dev:${device.device}`,
    kind,
    label: displayName(first.source),
    sizeBytes: undefined,
    usedBytes: undefined,
    snapshot: withoutProvider(kind, device, storages),
    places: [placeOfMount(first), ...others.map(placeOfMount)],
  };
}

function kindOf({ fsType }: Mount): VolumeKind {
  if (PSEUDO.has(fsType)) return BARE_KINDS.pseudo;
  if (NETWORK.has(fsType)) return BARE_KINDS.network;
  if (fsType === 'overlay') return BARE_KINDS.overlay;
  if (fsType.startsWith('fuse')) return BARE_KINDS.fuse;
  return BARE_KINDS.plain;
}

/** Whether a mount below a source's path holds data that a person may expect in the backup. */
export function holdsData({ volume }: DetectedVolume): boolean {
  return volume.kind !== BARE_KINDS.pseudo.name;
}
