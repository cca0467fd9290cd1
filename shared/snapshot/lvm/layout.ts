/** What it takes to build the volume groups of a host again: LVM's own text form of their metadata, and reports. */
import type { LayoutPart } from '../layout-part.ts';
import { LVM } from './tool.ts';

const REPORT = '--reportformat json --units b --nosuffix';

/** `vgcfgbackup -f` writes to that file alone; without it, it would write below /etc. */
export const lvmLayout: LayoutPart = {
  script: `${LVM}
if ! command -v vgs >/dev/null 2>&1; then
  ! grep -qs '^LVM-' /sys/block/dm-*/dm/uuid || sp_missing lvm/groups.json vgs
  exit 0
fi
groups=$(sp_lvm 60 vgs -o vg_name 2>/dev/null)
[ -n "$groups" ] || exit 0
sp_file lvm/groups.json vgs -o vg_all ${REPORT}
sp_file lvm/disks.json pvs -o pv_all,vg_name ${REPORT}
sp_file lvm/volumes.json lvs -a -o lv_all,seg_all,vg_name ${REPORT}
for group in $groups; do
  sp_file "lvm/$group.vgcfg" /bin/sh -c 'vgcfgbackup -f "$1" "$2" >&2 && cat "$1"' sh "$work/group" "$group"
done`,
  files: [
    { name: 'lvm/*.vgcfg', about: 'the metadata of a volume group, for "vgcfgrestore"' },
    { name: 'lvm/groups.json', about: 'the volume groups' },
    { name: 'lvm/disks.json', about: 'the physical volumes, with their UUIDs' },
    { name: 'lvm/volumes.json', about: 'the logical volumes' },
  ],
  rebuild: `LVM, for each file lvm/GROUP.vgcfg. Its section "physical_volumes" names each disk or partition with its UUID:
  pvcreate --uuid UUID --restorefile lvm/GROUP.vgcfg DEVICE      (once for each, at least as large)
  vgcfgrestore -f lvm/GROUP.vgcfg GROUP
  vgchange -ay GROUP
This brings back the volumes, not what is in them. Where the group has a thin pool, "vgcfgrestore" wants --force, and
the pool is of no use, because its own metadata are content: "lvremove GROUP/POOL" before "vgchange", and make the pool
and its volumes anew in the sizes of lvm/volumes.json. Where the disks differ, make all of it anew: "vgcreate", then
"lvcreate" for each volume. Volumes that are called sp_… are snapshots of a backup that ran then: remove them.`,
};
