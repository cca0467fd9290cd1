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
  /** Undefined where its bytes are read: it is shown as a device. */
  readonly fsType: string | undefined;
}

export function mountOptions(fsType: string): string {
  return ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', ...(fsType === 'xfs' ? ['nouuid'] : [])].join(',');
}

/** The command as an administrator would type it within the run's namespace; shown in plans. */
export function mountLine({ group, name, fsType }: MountOrder, path: string): string {
  if (fsType === undefined)
    return `mount -t tmpfs none ${path} && mknod ${path}/device b of /dev/mapper/${deviceMapperName(group, name)}`;
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
export function mountSnapshot(order: MountOrder, path: string): Fragment<Seen> {
  const { group, origin, name, target, fsType } = order;
  if (fsType === undefined) return showDevice(order, path);
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
    parse: readTable(target),
  };
}

const readTable =
  (target: MountOrder['target']) =>
  ([table = '']: readonly string[]): Seen => {
    if (!table.includes(` ${target} `)) throw new Error('what was mounted is no snapshot');
    return { table };
  };

/**
 * The device by its number, in a file system of its own that nothing else on the host sees: who reads it there ends with the
 * run, as all who read a snapshot. A name under /dev/mapper could be another device's by the time that it is opened.
 */
function showDevice({ group, origin, name, target }: MountOrder, path: string): Fragment<Seen> {
  return {
    name: 'show-lvm-snapshot',
    script: `
mapper=$1 path=$2 origin=$3
sp_numbers=$(dmsetup info -c --noheadings --separator ' ' -o major,minor "$mapper" 2>&1)
case $sp_numbers in *[!0-9' ']*|'') echo "$sp_numbers" >&2; exit 77 ;; esac
sp_enter "$run" mount -i -t tmpfs -o size=64k,mode=700,nosuid,noexec stillpoint "$path" &&
  sp_enter "$run" mknod -m 400 "$path/device" b $sp_numbers || exit 77${target === 'thin' ? GIVE_NAMES_BACK : ''}
dmsetup table "$mapper" | tr '\\n' '\\0'`,
    args: [deviceMapperName(group, name), path, deviceMapperName(group, origin)],
    fields: 1,
    parse: readTable(target),
  };
}
