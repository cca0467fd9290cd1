/**
 * Mounting a snapshot. It was created writable and is mounted read-only, so that the journal is replayed: an unreplayed
 * copy can look empty and still be read without an error. XFS refuses a second file system with the same UUID unless
 * mounted with `nouuid`.
 */
import type { Fragment } from '../../remote/fragment.ts';
import type { Seen } from '../provider.ts';
import { deviceMapperName } from './create.ts';

export interface MountOrder {
  readonly group: string;
  readonly name: string;
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
 * Pins device-mapper's table: which origin, which store, which chunk size. Exit 77: mount failed; its words and what the
 * kernel said of the device are on stderr.
 */
export function mountSnapshot({ group, name, fsType }: MountOrder, path: string): Fragment<Seen> {
  return {
    name: 'mount-lvm-snapshot',
    script: `
mapper=$1 path=$2 type=$3 options=$4
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
done
dmsetup table "$mapper" | tr '\\n' '\\0'`,
    args: [deviceMapperName(group, name), path, fsType, mountOptions(fsType)],
    fields: 1,
    parse: ([table = '']) => {
      if (!table.includes(' snapshot ')) throw new Error('what was mounted is no snapshot');
      return { table };
    },
  };
}
