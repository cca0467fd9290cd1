/** Which subvolumes a host has, for who has to make them again. */
import type { LayoutPart } from '../layout-part.ts';

/** A mountpoint with an octal escape is looked at through another mount, where there is one. */
export const btrfsLayout: LayoutPart = {
  script: `
grep -q ' - btrfs ' /proc/self/mountinfo || exit 0
sp_file btrfs/filesystems.txt btrfs filesystem show
seen=' ' count=0
while read -r id parent device root target rest; do
  case $rest in *' - btrfs '*) ;; *) continue ;; esac
  case $seen$target in *" $device "*|*\\\\*) continue ;; esac
  seen="$seen$device " count=$((count + 1))
  sp_file "btrfs/$count-subvolumes.txt" /bin/sh -c 'echo "seen at $1"; btrfs subvolume get-default "$1"; btrfs subvolume list -apuqc "$1"' sh "$target"
  sp_file "btrfs/$count-profiles.txt" btrfs filesystem df "$target"
done < /proc/self/mountinfo`,
  files: [
    { name: 'btrfs/filesystems.txt', about: 'the Btrfs file systems and their devices' },
    {
      name: 'btrfs/*-subvolumes.txt',
      about: 'the subvolumes of a file system, and the one that is mounted by default',
    },
    { name: 'btrfs/*-profiles.txt', about: 'how its data and metadata are spread over devices' },
  ],
  rebuild: `Btrfs: "mkfs.btrfs -L LABEL -U UUID -d PROFILE -m PROFILE DEVICE…", mount it, then "btrfs subvolume create" for each
that etc/fstab mounts or that you want, from btrfs/*-subvolumes.txt, and "btrfs subvolume set-default" where
another than the top is named as the default. A restore makes plain folders where no subvolume is.`,
};
