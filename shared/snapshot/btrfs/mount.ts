/** Mounting a snapshot: by its path, and what is seen there is pinned by its UUID. */
import type { Fragment } from '../../remote/fragment.ts';
import type { Seen } from '../provider.ts';
import type { SnapshotOrder } from './create.ts';
import { OURS } from './naming.ts';

const optionsOf = ({ folder, name }: SnapshotOrder): string =>
  `ro,nosuid,nodev,noexec,noatime,subvol=/${OURS}/${folder}/${name}`;

/** The command as an administrator would type it within the run's namespace; shown in plans. */
export function mountLine(order: SnapshotOrder, path: string): string {
  return `mount -t btrfs -o ${optionsOf(order)} ${order.source.toString('latin1')} ${path}`;
}

/** Exit 77: mount failed, or what was mounted is no subvolume; what was said is on stderr. */
export function mountSnapshot(order: SnapshotOrder, path: string): Fragment<Seen> {
  return {
    name: 'mount-subvolume-snapshot',
    script: `
sp_said=$(sp_enter "$run" mount -i -t btrfs -o "$2" "$1" "$3" 2>&1)
case $? in 0) ;; 74) exit 74 ;; *) echo "$sp_said" >&2; exit 77 ;; esac
sp_said=$(sp_enter "$run" btrfs subvolume show "$3") && sp_btrfs_read "$sp_said" || exit 77
printf '%s\\0' "$sp_uuid"`,
    args: [order.source, optionsOf(order), path],
    fields: 1,
    parse: ([uuid = '']) => ({ uuid }),
  };
}
