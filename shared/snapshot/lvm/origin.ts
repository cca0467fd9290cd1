/**
 * Which logical volumes can be an origin. The device under a mount must be the volume itself: with encryption, RAID or
 * partitions in between, LVM's own freeze does not reach the file system and the copy would be torn.
 */
import type { SnapshotCapability } from '../../domain/host.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './records.ts';

const PLAIN_SEGMENTS = /^(linear|striped|mirror|raid\w*)$/;
/** File systems whose journal we know to be replayed correctly by a read-only mount of a writable snapshot. */
const KNOWN_FILE_SYSTEMS = new Set(['ext2', 'ext3', 'ext4', 'xfs']);

export function snapshotCapability(
  volume: LogicalVolumeRecord,
  group: VolumeGroupRecord | undefined,
  fsType: string,
): SnapshotCapability {
  const label = `${volume.vg_name}/${volume.lv_name}`;
  const no = (reason: string, remedy: string): SnapshotCapability => ({ possible: false, reason, remedy });
  if (/^[sS]/.test(volume.lv_attr)) {
    return no(`"${label}" is itself a snapshot`, `Back up its origin "${volume.origin}" instead.`);
  }
  if (volume.lv_attr.startsWith('O')) {
    return no(`"${label}" is being put back to the state of a snapshot`, 'Wait until the merge is over.');
  }
  if (volume.pool_lv !== '') {
    return no(`"${label}" is a thin volume, which this version cannot snapshot`, 'Choose a path on a thick volume.');
  }
  if (!volume.segtype.split(',').every((type) => PLAIN_SEGMENTS.test(type))) {
    return no(
      `"${label}" is of type ${volume.segtype}`,
      'Only linear, striped, mirrored and RAID volumes can be snapshotted.',
    );
  }
  if (!KNOWN_FILE_SYSTEMS.has(fsType)) {
    return no(
      `"${label}" holds ${fsType}, which must not be snapshotted below the file system`,
      'Use a path on ext4 or XFS.',
    );
  }
  if (group === undefined || !isUsable(group)) {
    return no(
      `the volume group "${volume.vg_name}" is shared, exported, read-only or incomplete`,
      `Run "vgs -o vg_name,vg_attr ${volume.vg_name}" on the host and mend the group.`,
    );
  }
  return { possible: true, provider: 'lvm-thick' };
}

/** vg_attr, by position: 1 w(riteable), 3 x (exported), 4 p(artial), 6 c(lustered) or s(hared). See vgs(8). */
function isUsable(group: VolumeGroupRecord): boolean {
  const attr = group.vg_attr;
  return attr[0] === 'w' && attr[2] !== 'x' && attr[3] !== 'p' && attr[5] === '-';
}
