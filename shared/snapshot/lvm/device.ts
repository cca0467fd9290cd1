/**
 * Logical volumes that are saved as images of their bytes, whatever is in them. A snapshot is a second device with the same
 * content, and there are programs that take such a device for the first one as soon as it appears: what they would do that
 * with is refused.
 */
import { displayName } from '../../base/bytes.ts';
import type { SnapshotCapability } from '../../domain/host.ts';
import type { DeviceClaim, RawDevice } from '../provider.ts';
import { logicalVolumeOf } from './layers.ts';
import { deviceCapability } from './origin.ts';
import type { OriginFacts, Refusal } from './origin-facts.ts';
import type { LogicalVolumeRecord } from './records.ts';

/** What is tied together by the kernel or by udev from the devices that bear its signature, whoever they belong to. */
const TIED: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  btrfs: ['Btrfs', 'Mount it and name its folder under "paths".'],
  linux_raid_member: ['a part of a RAID of the kernel', 'Save what lies on the RAID.'],
  isw_raid_member: ['a part of a RAID of the firmware', 'Save what lies on the RAID.'],
  ddf_raid_member: ['a part of a RAID of the firmware', 'Save what lies on the RAID.'],
  bcache: ['a part of a cache (bcache)', 'Save what lies on the cache.'],
  zfs_member: [
    'a part of a ZFS pool',
    'Save the pool where it is imported: its file systems can be named under "paths".',
  ],
  LVM2_member: [
    'a physical volume of LVM',
    'Save the volumes in it; where it belongs to a virtual machine, from within that, or give the machine a disk with a partition table.',
  ],
};

/** @param facts of the volume; without a mount where it is not mounted */
export function capabilityOfDevice(
  label: string,
  { content, asked }: RawDevice,
  facts: OriginFacts,
): SnapshotCapability {
  const refusal = refusePart(label, facts.volume) ?? refuseContent(label, displayName(asked), content);
  if (refusal === undefined) return deviceCapability(facts);
  const [reason, remedy] = refusal;
  return { possible: false, reason, remedy };
}

/** An image of a pool's metadata, or of one half of a mirror, is of no use to anybody. */
function refusePart(label: string, { lv_role }: LogicalVolumeRecord): Refusal {
  if (!lv_role.split(',').includes('private')) return undefined;
  return [`"${label}" is a part of another logical volume`, 'Name the volume that it is a part of.'];
}

function refuseContent(label: string, asked: string, content: string | undefined): Refusal {
  if (content === undefined) {
    return [
      `what is in "${label}" cannot be told, and a copy of some things is dangerous to the host`,
      `"blkid -p ${asked}" on the host must answer, as root; it is in the package util-linux.`,
    ];
  }
  if (content === 'several') {
    return [
      `"${label}" bears the signatures of several things at once`,
      `"wipefs ${asked}" on the host lists them; remove those that are left from earlier.`,
    ];
  }
  const tied = TIED[content];
  if (tied === undefined) return undefined;
  const [what, remedy] = tied;
  return [`"${label}" holds ${what}, and the host could take a copy of it for the original`, remedy];
}

/** A device that lies on a logical volume, such as an opened LUKS container or a partition of it. */
export function claimUpper({ layers: [top, ...lower], asked }: RawDevice): DeviceClaim | undefined {
  const volume = lower.map(logicalVolumeOf).find((name) => name !== undefined);
  if (top === undefined || volume === undefined) return undefined;
  const isOpened = top.mapper?.uuid.startsWith('CRYPT-') === true;
  return {
    id: `device:${top.device}`,
    kind: { name: 'lvm-upper', words: 'device on an LVM volume' },
    label: displayName(asked),
    snapshot: {
      possible: false,
      reason: `it lies on top of the logical volume "${volume}", and LVM makes snapshots of that alone`,
      remedy: `Name "/dev/${volume}"${isOpened ? ': its image is encrypted as the volume is, and whole with its header' : ''}.`,
    },
  };
}
