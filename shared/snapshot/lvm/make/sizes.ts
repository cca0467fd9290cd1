/** What a device gives to a group, in extents. Pure. */
import { StillpointError } from '../../../base/errors.ts';
import type { NewGroup } from '../../../domain/new-volume.ts';

/** LVM's own default, which we ask for all the same: the sizes of a plan depend on it. */
export const EXTENT_BYTES = 4 * 1024 * 1024;

export interface VolumeSizes {
  readonly groupExtents: number;
  readonly volumeExtents: number;
}

/** Labels and metadata take the first MiB; what a device wants to have aligned may take one extent more. */
export const extentsOn = (deviceBytes: number, extentBytes: number): number =>
  Math.floor((deviceBytes - 1024 * 1024) / extentBytes);

export function sizesOf({ size }: Pick<NewGroup, 'size'>, deviceBytes: number): VolumeSizes {
  const groupExtents = extentsOn(deviceBytes, EXTENT_BYTES);
  const volumeExtents =
    'bytes' in size
      ? Math.ceil(size.bytes / EXTENT_BYTES)
      : Math.floor((groupExtents * (100 - size.reservePercent)) / 100);
  if (volumeExtents >= 1 && volumeExtents < groupExtents) return { groupExtents, volumeExtents };
  throw new StillpointError('usage.invalid', 'This size leaves no room for snapshots, or none for the volume.', {
    advice: 'Let the volume be smaller than the device: a fifth of it for snapshots is a good beginning.',
    details: { groupBytes: groupExtents * EXTENT_BYTES, volumeBytes: volumeExtents * EXTENT_BYTES },
    cause: undefined,
  });
}
