/** Thick snapshots: copies of what is changed, in room that they take from the volume group. */
import { isThin, type LogicalVolumeRecord, type VolumeGroupRecord } from '../records.ts';
import type { LvmKind } from '../storage.ts';
import { thickFindings } from './findings.ts';
import { planThick } from './plan.ts';
import { sizeSnapshot } from './sizing.ts';

export const THICK: LvmKind = {
  isOrigin: (volume) => !isThin(volume),
  isSnapshot: ({ lv_attr }) => lv_attr.startsWith('s'),
  pools: ({ groups }) =>
    groups.map((group) => ({
      name: group.vg_name,
      kindWords: 'volume group',
      sizeBytes: group.vg_size,
      freeBytes: group.vg_free_count * group.vg_extent_size,
    })),
  without: (facts, gone) => ({ ...facts, groups: facts.groups.map((group) => freed(group, gone)) }),
  roomOf: ({ volume, group, measured }, { volume: { usedBytes } }) =>
    sizeSnapshot({
      ...{ originBytes: volume.lv_size, usedBytes, extentBytes: group.vg_extent_size },
      freeBytes: group.vg_free_count * group.vg_extent_size,
      writtenBytesPerSecond: measured?.writtenPerSecond,
    }).size?.sizeBytes,
  // A thick snapshot lives on what is free in its group, and only a disk makes that more.
  moreRoom: () => [],
  findings: thickFindings,
  plan: (volumes, { groups }, _swept, originOf, context) => planThick(volumes, groups, originOf, context),
};

/** What was removed no longer takes room. */
function freed(group: VolumeGroupRecord, gone: readonly LogicalVolumeRecord[]): VolumeGroupRecord {
  const extents = gone
    .filter(({ vg_uuid }) => vg_uuid === group.vg_uuid)
    .reduce((sum, { lv_size }) => sum + Math.floor(lv_size / group.vg_extent_size), 0);
  return { ...group, vg_free_count: group.vg_free_count + extents };
}
