/**
 * Mounting a snapshot. It was created writable and is mounted read-only, so that the journal is replayed: an unreplayed
 * copy can look empty and still be read without an error. XFS refuses a second file system with the same UUID unless
 * mounted with `nouuid`.
 */
import type { Fragment } from '../../remote/fragment.ts';
import type { Seen } from '../provider.ts';
import { deviceMapperName } from './names.ts';

export interface MountOrder {
  readonly group: string;
  readonly origin: string;
  readonly name: string;
  /** What device-mapper calls such a snapshot in its table. */
  readonly target: 'snapshot' | 'thin';
  readonly fsType: string;
}

export function mountOptions(fsType: string): string {
  return ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', ...(fsType === 'xfs' ? ['nouuid'] : [])].join(',');
}

/** The command as an administrator would type it within the run's namespace; shown in plans. */
export function mountLine({ group, name, fsType }: MountOrder, path: string): string {
  return `mount -t ${fsType} -o ${mountOptions(fsType)} /dev/mapper/${deviceMapperName(group, name)} ${path}`;
}

/**
 * Names by file system (/dev/disk/by-uuid) are whose udev saw last. LVM has thick snapshots give way to their origins, thin
 * ones not: the link leads to the snapshot as soon as that is there, and back when it is gone. An event of the origin, as any
 * program causes that closes the device, takes it back at once. Not before the snapshot's own event, hence after the mount.
 */
const GIVE_NAMES_BACK = `
! command -v udevadm >/dev/null 2>&1 || timeout 10 udevadm trigger --action=change "$(readlink -f "/dev/mapper/$origin")" >/dev/null 2>&1 </dev/null`;

/**
 * Pins device-mapper's table: which origin, store and chunk size, or which pool and which number in it. Exit 77: mount
 * failed; its words and what the kernel said of the device are on stderr.
 */
export function mountSnapshot({ group, origin, name, target, fsType }: MountOrder, path: string): Fragment<Seen> {
  return {
    name: 'mount-lvm-snapshot',
    script: `
mapper=$1 path=$2 type=$3 options=$4 origin=$5
sp_try=0
until sp_said=$(sp_enter "$run" mount -i -t "$type" -o "$options" "/dev/mapper/$mapper" "$path" 2>&1); do
  [ $? != 74 ] || exit 74
  sp_try=$((sp_try + 1))
  # While LVM switches the tables of an origin, for another run or for somebody else, its snapshots are frozen and refuse
  # to be mounted; and where udev is slow, the device has no name yet.
  case $sp_said in *[Bb]usy*|*frozen*) ;; *) [ ! -e "/dev/mapper/$mapper" ] || sp_try=60 ;; esac
  if [ "$sp_try" -ge 60 ]; then
    echo "$sp_said" >&2
    sp_device=$(readlink -f "/dev/mapper/$mapper")
    dmesg 2>/dev/null | grep -wF "\${sp_device##*/}" | tail -n 3 >&2
    exit 77
  fi
  sleep 0.5 2>/dev/null || sleep 1
done${target === 'thin' ? GIVE_NAMES_BACK : ''}
dmsetup table "$mapper" | tr '\\n' '\\0'`,
    args: [deviceMapperName(group, name), path, fsType, mountOptions(fsType), deviceMapperName(group, origin)],
    fields: 1,
    parse: ([table = '']) => {
      if (!table.includes(` ${target} `)) throw new Error('what was mounted is no snapshot');
      return { table };
    },
  };
}
