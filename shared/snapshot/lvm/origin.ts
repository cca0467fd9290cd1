/**
 * Which logical volumes can be an origin, and of each other one why not and what would help. The device under a mount
 * must be the volume itself: with encryption, RAID or partitions in between, LVM's own freeze does not reach the file
 * system and the copy would be torn.
 */
import type { SnapshotCapability } from '../../domain/host.ts';
import { mayActivate } from './limits.ts';
import { looksKept } from './names.ts';
import { labelOf, type OriginFacts, type Refusal } from './origin-facts.ts';
import { isThin, type LogicalVolumeRecord } from './records.ts';
import { refuseThin } from './thin/refusal.ts';

const SUPPORTED_SEGMENTS = /^(linear|striped|raid\w*)$/;
/** File systems whose journal we know to be replayed correctly by a read-only mount of a writable snapshot. */
const KNOWN_FILE_SYSTEMS = new Set(['ext2', 'ext3', 'ext4', 'xfs']);

/** Of the file system in it. */
export const snapshotCapability = (facts: OriginFacts): SnapshotCapability =>
  capabilityOf(facts, () => refuseUnknown(facts) ?? refuseParts(facts));

/** Of its bytes: what is in it need not be known, but it must be all of it. */
export const deviceCapability = (facts: OriginFacts): SnapshotCapability =>
  capabilityOf(facts, () => refuseParts(facts));

function capabilityOf(facts: OriginFacts, refuseContent: () => Refusal): SnapshotCapability {
  const refusal =
    refuseRole(facts.volume) ??
    (isThin(facts.volume) ? refuseThin(facts) : refuseType(facts.volume, facts.volumes)) ??
    refuseState(facts.volume) ??
    refuseContent() ??
    refuseGroup(facts) ??
    refuseSettings(facts);
  if (refusal === undefined) return { possible: true, provider: isThin(facts.volume) ? 'lvm-thin' : 'lvm-thick' };
  const [reason, remedy] = refusal;
  return { possible: false, reason, remedy };
}

/** lv_attr, first position; see lvs(8). */
function refuseRole(volume: LogicalVolumeRecord): Refusal {
  const label = labelOf(volume);
  if (looksKept(volume.lv_name)) {
    return [`"${label}" has the name of a snapshot that is kept on purpose`, 'Back up its origin instead.'];
  }
  if (volume.lv_attr.startsWith('S')) {
    return [`"${label}" is a snapshot that is being merged into "${volume.origin}"`, 'Wait until the merge is over.'];
  }
  if (volume.lv_attr.startsWith('s')) {
    return [`"${label}" is itself a snapshot`, `Back up its origin "${volume.origin}" instead.`];
  }
  if (volume.lv_attr.startsWith('O')) {
    return [`"${label}" is being put back to the state of a snapshot`, 'Wait until the merge is over.'];
  }
  if (volume.lv_attr.startsWith('c')) {
    return [`"${label}" is being converted to another type`, 'Wait until "lvs" shows the conversion at 100 %.'];
  }
  return undefined;
}

function refuseType(volume: LogicalVolumeRecord, volumes: readonly LogicalVolumeRecord[]): Refusal {
  const label = labelOf(volume);
  const types = volume.segtype.split(',');
  const split = `"lvconvert --splitcache ${label}" writes the cache back and detaches it; it can be attached again afterwards.`;
  if (types.includes('cache')) {
    return [`"${label}" is cached on a faster disk (dm-cache), which this version cannot snapshot`, split];
  }
  if (types.includes('writecache')) {
    return [`"${label}" has a write cache, and LVM makes no snapshots of such a volume`, split];
  }
  if (types.some((type) => type.startsWith('vdo'))) {
    return [
      `"${label}" is a VDO volume (deduplicated by LVM), which this version cannot snapshot`,
      'Choose a path on a thin, linear, striped or RAID volume.',
    ];
  }
  if (types.includes('integrity') || hasIntegrity(volume, volumes)) {
    return [
      `"${label}" keeps checksums (dm-integrity), and LVM makes no snapshots of such a volume`,
      `"lvconvert --raidintegrity n ${label}" takes them away; or choose a path on another volume.`,
    ];
  }
  if (types.includes('mirror')) {
    return [
      `"${label}" is a mirror of the old kind, whose snapshots can hang when a disk fails`,
      `"lvconvert --type raid1 ${label}" makes a RAID of it, which can be snapshotted.`,
    ];
  }
  if (!types.every((type) => SUPPORTED_SEGMENTS.test(type))) {
    return [
      `"${label}" is of type ${volume.segtype}`,
      'Only thin, linear, striped and RAID volumes can be snapshotted.',
    ];
  }
  return undefined;
}

/** The checksums of a RAID belong to its hidden images. */
function hasIntegrity(volume: LogicalVolumeRecord, volumes: readonly LogicalVolumeRecord[]): boolean {
  return volumes.some(
    ({ vg_uuid, lv_name, segtype }) =>
      vg_uuid === volume.vg_uuid &&
      segtype === 'integrity' &&
      lv_name.replaceAll(/[[\]]/g, '').startsWith(`${volume.lv_name}_rimage_`),
  );
}

/** lv_attr: position 3 is a capital letter while the volume is locked, as by pvmove; position 5 says "s" for suspended. */
function refuseState(volume: LogicalVolumeRecord): Refusal {
  const label = labelOf(volume);
  if (/^..[A-Z]/.test(volume.lv_attr)) {
    return [
      `LVM is moving "${label}" to another disk (pvmove) and keeps it locked`,
      `Wait until "lvs -a -o name,move_pv,copy_percent ${volume.vg_name}" shows no move; "pvmove" without arguments resumes one that stopped.`,
    ];
  }
  if (/^....[sS]/.test(volume.lv_attr)) {
    return [
      `"${label}" is suspended, so everything that writes to it waits`,
      `Look for an LVM command that hangs; "lvchange --refresh ${label}" resumes the volume.`,
    ];
  }
  return undefined;
}

function refuseUnknown({ volume, mount }: OriginFacts): Refusal {
  const label = labelOf(volume);
  const fsType = mount?.fsType ?? 'nothing that is mounted';
  if (fsType === 'btrfs') {
    return [
      `"${label}" holds Btrfs, which must not be snapshotted below the file system: the kernel cannot tell the two apart`,
      'Use a path on ext4 or XFS.',
    ];
  }
  if (!KNOWN_FILE_SYSTEMS.has(fsType)) {
    return [
      `"${label}" holds ${fsType}, and this version does not know how to mount a snapshot of it whole`,
      'Use a path on ext4 or XFS.',
    ];
  }
  return undefined;
}

function refuseParts({ volume, mount, hasExternalJournal }: OriginFacts): Refusal {
  if (mount === undefined) return undefined;
  const label = labelOf(volume);
  const { fsType, superOptions } = mount;
  const other = superOptions.find((option) => /^(logdev|rtdev)=/.test(option));
  if (other !== undefined) {
    return [
      `the XFS on "${label}" has a part on another device (${other}), which a snapshot of the volume does not contain`,
      'Use a path on a file system that lies wholly on one volume.',
    ];
  }
  if (hasExternalJournal) {
    return [
      `the ${fsType} on "${label}" has its journal on another device, which a snapshot of the volume does not contain`,
      'Unmount it and take the journal inside: "tune2fs -O ^has_journal DEVICE", then "tune2fs -j DEVICE".',
    ];
  }
  return undefined;
}

/** vg_attr, by position: 1 w(riteable), 3 x (exported), 4 p(artial), 6 c(lustered) or s(hared). See vgs(8). */
function refuseGroup({ volume, group, limits }: OriginFacts): Refusal {
  const name = volume.vg_name;
  const shown = `the volume group "${name}"`;
  if (group === undefined) {
    return [`LVM does not report ${shown}`, `See what "vgs ${name}" says on the host.`];
  }
  const attr = group.vg_attr;
  if (!limits.ownGroups.has(group.vg_uuid)) {
    return [
      `${shown} belongs to another machine by its system ID, so LVM changes nothing in it here`,
      `"vgs --foreign -o vg_name,vg_systemid ${name}" says to which. Back it up there, or take it over with "vgchange --systemid".`,
    ];
  }
  if (attr[2] === 'x') {
    return [`${shown} is exported, so LVM changes nothing in it`, `"vgimport ${name}" takes it back.`];
  }
  if (attr[3] === 'p') {
    return [
      `a disk of ${shown} is missing, and LVM changes nothing in such a group`,
      `"pvs -o pv_name,pv_uuid,pv_missing" names it. Bring it back, or give it up: "lvconvert --repair" for RAID volumes, then "vgreduce --removemissing ${name}".`,
    ];
  }
  if (attr[5] === 'c' || attr[5] === 's') {
    return [
      `${shown} is shared by several machines, which may use the volume at the same time`,
      'Keep the data in a group that only one machine uses.',
    ];
  }
  if (limits.duplicateGroups.has(group.vg_uuid)) {
    return [
      `a disk of ${shown} is visible twice, and LVM changes nothing in such a group`,
      '"pvs -a -o pv_name,vg_name,pv_duplicate" names both. Let LVM see one of them, by multipath, "devices/filter" in lvm.conf or "lvmdevices".',
    ];
  }
  if (attr[0] !== 'w') {
    return [`${shown} is read-only`, `See "vgs -o vg_name,vg_attr ${name}" on the host, and make it writable.`];
  }
  return undefined;
}

function refuseSettings({ volume, group, limits }: OriginFacts): Refusal {
  if (limits.forbiddenBy !== undefined) {
    return [
      `LVM on this host is set to change nothing ("${limits.forbiddenBy}" in lvm.conf)`,
      'Take this setting out of /etc/lvm/lvm.conf when it is not needed any more.',
    ];
  }
  if (!mayActivate(limits, volume.vg_name, group?.vg_tags ?? [])) {
    return [
      `"activation/volume_list" in lvm.conf does not let LVM activate a new volume of "${volume.vg_name}"`,
      `Add "@stillpoint" or "${volume.vg_name}" to that list.`,
    ];
  }
  return undefined;
}
