/** A host as it will be when a backup has swept it: a plan must not call a group full of what goes first. Pure. */
import type { OwnerId, RunId } from '../../domain/names.ts';
import type { LogicalVolumeRecord } from '../../snapshot/lvm/records.ts';
import type { Survey } from '../../snapshot/survey.ts';

export interface SweptSurvey {
  readonly survey: Survey;
  /** "vg0/sp_0a1b2c3d_4e5f6071", in the order in which LVM names them. */
  readonly removes: readonly string[];
}

/** What is ours by name, mark, owner and run, as the sweep itself judges it. */
export function afterSweep(survey: Survey, owner: OwnerId, dead: readonly RunId[]): SweptSurvey {
  const gone = survey.logicalVolumes.filter((volume) => dead.some((run) => isOf(volume, owner, run)));
  if (gone.length === 0) return { survey, removes: [] };
  const groups = survey.groups.map((group) => {
    const freed = gone.filter(({ vg_uuid }) => vg_uuid === group.vg_uuid);
    const extents = freed.reduce((sum, { lv_size }) => sum + Math.floor(lv_size / group.vg_extent_size), 0);
    return { ...group, vg_free_count: group.vg_free_count + extents };
  });
  return { survey: { ...survey, groups }, removes: gone.map(({ vg_name, lv_name }) => `${vg_name}/${lv_name}`) };
}

function isOf({ lv_name, lv_attr, lv_tags }: LogicalVolumeRecord, owner: OwnerId, run: RunId): boolean {
  const marks = ['stillpoint', `sp.run=${run}`, `sp.owner=${owner}`];
  return new RegExp(`^sp_${run}_.{8}$`).test(lv_name) && lv_attr[0] === 's' && marks.every((m) => lv_tags.includes(m));
}
