/** What is to be seen to where snapshots are thick: those that others made and left, and disks that are there twice. */
import type { HostFinding } from '../../../domain/readiness.ts';
import { looksKept, looksLikeOurs } from '../names.ts';
import type { LogicalVolumeRecord } from '../records.ts';
import type { LvmFacts } from '../survey.ts';
import type { UpkeepSettings } from '../upkeep-settings.ts';

export function thickFindings({ volumes, groups, limits }: LvmFacts, { records }: UpkeepSettings): HostFinding[] {
  const twice = groups.filter(({ vg_uuid }) => limits.duplicateGroups.has(vg_uuid));
  // Those that are kept on purpose have a list of their own.
  const snapshots = volumes.filter(
    ({ lv_attr, lv_name }) => /^[sS]/.test(lv_attr) && !looksLikeOurs(lv_name) && !looksKept(lv_name),
  );
  return [
    ...twice.map(({ vg_name }) => visibleTwice(vg_name)),
    ...snapshots.map((volume) => leftSnapshot(volume, records.get(volume.lv_uuid)?.data_percent)),
  ];
}

function visibleTwice(group: string): HostFinding {
  return {
    ...{ kind: 'duplicate-disk', severity: 'dangerous', object: group },
    message: `A disk of the volume group "${group}" is visible twice.`,
    means: 'LVM may write to the wrong one of the two, and snapshots cannot be made in this group.',
    remedy: {
      ...{ where: 'nowhere', lines: [] },
      note: '"pvs -a -o pv_name,pv_uuid,vg_name,pv_duplicate" shows both: detach the copy, or have multipath take both paths to the disk.',
    },
  };
}

function leftSnapshot(volume: LogicalVolumeRecord, percent: number | undefined): HostFinding {
  const name = `${volume.vg_name}/${volume.lv_name}`;
  // The fifth letter is the state: I and S are snapshots that overflowed.
  const isWorthless = /^.{4}[IS]/.test(volume.lv_attr) || (percent ?? 0) >= 100;
  const how = isWorthless
    ? 'it is full and worth nothing any more'
    : percent === undefined
      ? 'how full it is, LVM does not say'
      : `it is filled to ${Math.round(percent)} %`;
  return {
    ...{ kind: 'left-snapshot', severity: 'advice', object: name },
    message: `"${name}" is a snapshot of "${volume.origin}" that somebody else made; ${how}.`,
    means: `It takes room that snapshots for a backup may need, and each first write to a part of "${volume.origin}" costs a copy for it.`,
    remedy: { where: 'host', lines: [`lvremove ${name}`], note: 'If nobody needs it. LVM asks before it removes.' },
  };
}
