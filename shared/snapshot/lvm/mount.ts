/**
 * Mounting a snapshot in the keeper's private namespace. It was created writable and is mounted read-only, so that the
 * journal is replayed: an unreplayed copy can look empty and still be read without an error. XFS refuses a second file
 * system with the same UUID unless mounted with `nouuid`.
 */
import type { RunId } from '../../domain/names.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { ENTER, mountPath } from '../lease/namespace.ts';
import { deviceMapperName } from './create.ts';

export interface MountOrder {
  /** Position among the run's snapshots; names the folder. */
  readonly index: number;
  readonly group: string;
  readonly snapshot: string;
  readonly fsType: string;
}

/** What was mounted, pinned before the first read and compared after the last. */
export interface MountedSnapshot {
  readonly path: string;
  /** The line of mountinfo in the keeper's namespace. */
  readonly mountLine: string;
  /** device-mapper's table: which origin, which store, which chunk size. */
  readonly table: string;
  readonly rootInode: string;
}

export function mountOptions(fsType: string): string {
  return ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', ...(fsType === 'xfs' ? ['nouuid'] : [])].join(',');
}

/** The command as an administrator would type it within the run's namespace; shown in plans. */
export function mountLine(run: RunId, order: MountOrder): string {
  const device = `/dev/mapper/${deviceMapperName(order.group, order.snapshot)}`;
  return `mount -t ${order.fsType} -o ${mountOptions(order.fsType)} ${device} ${mountPath(run, order.index)}`;
}

/** Exit 74: the keeper is gone. Exit 77: mount failed; its words and what the kernel said of the device are on stderr. */
export function mountSnapshot(run: RunId, order: MountOrder): RemoteCommand<MountedSnapshot> {
  const path = mountPath(run, order.index);
  const mapper = deviceMapperName(order.group, order.snapshot);
  const script: RemoteScript = {
    name: 'mount-snapshot',
    script: `${ENTER}
run=$1 mapper=$2 path=$3 type=$4 options=$5
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
sp_enter "$run" /bin/sh -c '
  [ ! -e "$1/not-mounted" ] || exit 77
  grep -F " $1 " /proc/self/mountinfo | tail -n 1 | tr "\\n" "\\0"
  stat -c %i "$1" | tr "\\n" "\\0"' sh "$path" || exit 77
dmsetup table "$mapper" | tr '\\n' '\\0'`,
    args: [run, mapper, path, order.fsType, mountOptions(order.fsType)],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 120_000,
    repeatable: false,
    parse: (output) => {
      const [mountLine = '', rootInode = '', table = '', rest] = output.stdout.toString('latin1').split('\0');
      if (
        !mountLine.includes(` ${path} `) ||
        !/^\d+$/.test(rootInode) ||
        !table.includes(' snapshot ') ||
        rest !== ''
      ) {
        throw unreadableOutput(script, 'the mount cannot be recognised', output.stdout.toString('latin1'));
      }
      return { path, mountLine, table, rootInode };
    },
  };
}
