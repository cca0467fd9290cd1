/** Why nothing can snapshot what is mounted at a place, and what would help, in words for the person who has to act. */
import { displayName } from '../base/bytes.ts';
import { BARE_KINDS, type Mount, type SnapshotCapability, type VolumeKind } from '../domain/host.ts';
import type { BlockDevice } from './block-devices.ts';
import type { MountedDevice, SnapshotProvider, Storage } from './provider.ts';

const no = (reason: string, remedy: string): SnapshotCapability => ({ possible: false, reason, remedy });

/** File systems that are made once and never written to. */
const IMAGES = new Set(['cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', 'udf']);

export const isImage = ({ fsType }: Pick<Mount, 'fsType'>): boolean => IMAGES.has(fsType);

export function withoutProvider(
  kind: VolumeKind,
  place: MountedDevice,
  storages: readonly Storage[],
): SnapshotCapability {
  const [mount] = place.mounts;
  const where = displayName(mount.target);
  switch (kind) {
    case BARE_KINDS.pseudo:
      return no(`"${where}" is ${mount.fsType}, which holds no data of its own`, 'Leave it out.');
    case BARE_KINDS.network:
      return no(`"${where}" is on the network (${mount.fsType})`, 'Back it up on the machine that serves it.');
    case BARE_KINDS.overlay:
      return no(`"${where}" is an overlay`, 'Back up the folders that it is made of.');
    case BARE_KINDS.fuse:
      return no(`"${where}" is provided by a program (${mount.fsType})`, 'Back up what the program stores.');
    default:
      return onDevice(where, place, storages);
  }
}

function onDevice(where: string, place: MountedDevice, storages: readonly Storage[]): SnapshotCapability {
  const [mount] = place.mounts;
  const { layers } = place;
  const [top] = layers;
  const providers = storages.map(({ provider }) => provider);
  if (isImage(mount)) return image(where, mount, top?.file);
  const refused = storages.map((storage) => storage.refuse(place)).find((each) => each !== undefined);
  if (refused !== undefined) return refused;
  if (isMade(layers, 'CRYPT-')) {
    return no(
      `"${where}" is on an encrypted device that nothing can snapshot`,
      remedies(providers, 'the opened device'),
    );
  }
  if (top?.file !== undefined) {
    return no(
      `"${where}" comes from the file "${top.file}" (a loop device)`,
      `Save the file system that holds this file and name "${where}" under "exclude". ${remedies(providers, 'a disk')}`,
    );
  }
  if (isFirmware(mount)) {
    return no(
      `"${where}" is a partition that the firmware or the boot loader reads (${mount.fsType})`,
      `It cannot be moved. Name "${where}" under "exclude"; installing the boot loader makes its content again.`,
    );
  }
  const layer = layers.find((each) => each.layer !== undefined)?.layer;
  const [what, base] =
    layer === 'md'
      ? (['a RAID of the kernel that nothing can snapshot', 'this device'] as const)
      : layer === 'bcache'
        ? (['a cache (bcache) that nothing can snapshot', 'this device'] as const)
        : isMade(layers, 'mpath-')
          ? (['a multipath device that nothing can snapshot', 'this device'] as const)
          : (['a plain device that nothing can snapshot', 'a disk'] as const);
  return no(`"${where}" is on ${displayName(mount.source)}, ${what}`, remedies(providers, base));
}

function remedies(providers: readonly SnapshotProvider[], base: Parameters<SnapshotProvider['remedy']>[0]): string {
  return [...new Set(providers.map((provider) => provider.remedy(base)))].join(' Or: ');
}

/** By the beginning of device-mapper's uuid, which says what made the device. */
const isMade = (layers: readonly BlockDevice[], prefix: string): boolean =>
  layers.some((layer) => layer.mapper?.uuid.startsWith(prefix) === true);

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
