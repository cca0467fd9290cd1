import type { BlockDevice } from '../block-devices.ts';

/** The logical volume that a device of LVM's is, as "group/volume"; undefined for every other device. */
export function logicalVolumeOf(device: BlockDevice): string | undefined {
  const { mapper } = device;
  if (mapper === undefined || !/^LVM-[A-Za-z0-9]{64}$/.test(mapper.uuid)) return undefined;
  // device-mapper doubles the hyphens of names; a single one joins group and volume.
  const [, group, volume] = /^((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(mapper.name) ?? [];
  if (group === undefined || volume === undefined) return undefined;
  return `${group.replaceAll('--', '-')}/${volume.replaceAll('--', '-')}`;
}
