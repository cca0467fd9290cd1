/**
 * Mounting a snapshot by its full name, and never through ".zfs/snapshot", which may show the snapshot of another dataset,
 * goes away by itself and can be switched off. What the kernel then says is mounted there has to be that very snapshot, and
 * what has its name must not have changed.
 */
import type { Fragment } from '../../remote/fragment.ts';
import { MOUNT_EXITS } from '../mounting.ts';
import type { Seen } from '../provider.ts';
import { fullName, identityOf, type SnapshotOrder, typed } from './create.ts';

const OPTIONS = 'ro,nosuid,nodev,noexec,noatime';

/** The command as an administrator would type it within the run's namespace; shown in plans. */
export const mountLine = (order: SnapshotOrder, path: string): string =>
  `mount -t zfs -o ${OPTIONS} ${typed(fullName(order))} ${path}`;

export function mountSnapshot(order: SnapshotOrder, path: string): Fragment<Seen> {
  const name = fullName(order);
  return {
    name: 'mount-dataset-snapshot',
    script: `
said=$(sp_enter "$run" mount -n -i -c -t zfs -o ${OPTIONS} "$1" "$3" 2>&1)
case $? in 0) ;; ${MOUNT_EXITS.keeperGone}) exit ${MOUNT_EXITS.keeperGone} ;; *) echo "$said" >&2; exit ${MOUNT_EXITS.notMounted} ;; esac
line=$(sp_enter "$run" grep -F " $3 " /proc/self/mountinfo | tail -n 1)
shown=\${line##* - }
case $shown in "zfs $2 "*) ;; *) echo "$shown is mounted instead of $1" >&2; exit ${MOUNT_EXITS.notMounted} ;; esac
identity=$(zfs list -Hp -t snapshot -o guid,createtxg "$1" </dev/null) || exit ${MOUNT_EXITS.notMounted}
printf '%s\\0%s\\0' "$shown" "$identity"`,
    // As the kernel writes it.
    args: [name, name.replaceAll(' ', '\\040'), path],
    fields: 2,
    parse: ([shown = '', identity = '']) => ({ shown, ...identityOf(identity) }),
  };
}
