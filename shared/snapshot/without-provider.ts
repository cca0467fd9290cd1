/** Why nothing can snapshot what is mounted at a place, and what would help, in words for the person who has to act. */
import { displayName } from '../base/bytes.ts';
import type { Mount, SnapshotCapability, VolumeKind } from '../domain/host.ts';
import { type BlockDevice, type BlockDevices, layersOf, logicalVolumeOf } from './block-devices.ts';

const no = (reason: string, remedy: string): SnapshotCapability => ({ possible: false, reason, remedy });

/** File systems that are made once and never written to. */
const IMAGES = new Set(['cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', 'udf']);

const ON_LVM = 'keep the data on a logical volume; then a snapshot is possible';

export function withoutProvider(kind: VolumeKind, mount: Mount, devices: BlockDevices): SnapshotCapability {
  const where = displayName(mount.target);
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
      return onDevice(where, mount, layersOf(mount.device, devices));
  }
}

function onDevice(where: string, mount: Mount, layers: readonly BlockDevice[]): SnapshotCapability {
  const [top] = layers;
  const source = displayName(mount.source);
  const made = (prefix: string): BlockDevice | undefined =>
    layers.find((layer) => layer.mapper?.uuid.startsWith(prefix) === true);
  const volume = layers.map(logicalVolumeOf).find((name) => name !== undefined);
  if (IMAGES.has(mount.fsType)) return image(where, mount, top?.file);
  if (top !== undefined && logicalVolumeOf(top) !== undefined) {
    return no(
      `"${where}" is on the logical volume "${volume}", which LVM on this host does not report`,
      'A filter in lvm.conf ("devices/filter"), the devices file ("lvmdevices") or a missing disk hides it; "lvs -a" on the host must show it.',
    );
  }
  if (made('CRYPT-') !== undefined) {
    return volume === undefined
      ? no(
          `"${where}" is on an encrypted device without LVM`,
          `Make the opened device a physical volume (LVM on LUKS) and ${ON_LVM}.`,
        )
      : no(
          `"${where}" is encrypted (dm-crypt) on top of the logical volume "${volume}", and LVM cannot hold a file system still through the encryption`,
          'With the encryption below LVM instead, a physical volume on LUKS, a snapshot is possible.',
        );
  }
  if (volume !== undefined) {
    return no(
      `"${where}" is on "${source}", which lies on top of the logical volume "${volume}", and LVM cannot hold a file system still through it`,
      'Put the file system on the logical volume itself, without a partition table or another layer in between.',
    );
  }
  if (top?.file !== undefined) {
    return no(
      `"${where}" comes from the file "${top.file}" (a loop device)`,
      `Save the file system that holds this file and name "${where}" under "exclude", or ${ON_LVM}.`,
    );
  }
  if (isFirmware(mount)) {
    return no(
      `"${where}" is a partition that the firmware or the boot loader reads (${mount.fsType})`,
      `It cannot be moved to LVM. Name "${where}" under "exclude"; installing the boot loader makes its content again.`,
    );
  }
  const layer = layers.find((each) => each.layer !== undefined)?.layer;
  const what =
    layer === 'md'
      ? 'a RAID of the kernel without LVM'
      : layer === 'bcache'
        ? 'a cache (bcache) without LVM'
        : made('mpath-') === undefined
          ? 'a plain device that nothing can snapshot'
          : 'a multipath device without LVM';
  const base = what.endsWith('without LVM') ? 'it' : 'a disk';
  return no(`"${where}" is on ${source}, ${what}`, `Set up LVM on ${base} and ${ON_LVM}.`);
}

function image(where: string, mount: Mount, file: string | undefined): SnapshotCapability {
  return no(
    `"${where}" is a read-only image (${mount.fsType}), which changes only when it is replaced`,
    file === undefined
      ? `Name "${where}" under "exclude" and keep what it was made from.`
      : `Name "${where}" under "exclude"; what is in it comes from the file "${file}", which can be saved instead.`,
  );
}

function isFirmware(mount: Mount): boolean {
  const target = displayName(mount.target);
  return mount.fsType === 'vfat' && /^\/(boot|efi)(\/|$)/.test(target);
}
