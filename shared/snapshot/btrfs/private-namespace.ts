/**
 * Everything that we do at the top level of a file system is done in a mount namespace that lives as long as the one
 * command in it: nobody on the host sees what is mounted there, and nothing has to be taken back.
 *
 * Invariants. The file system is mounted under the very name that the kernel has for its device: another name would become
 * the one that the whole host sees. It is mounted read-only and made writable for this mount alone, so a file system
 * that is read-only stays so. Our folder is reached by a mount of its own, which is proved to be a real folder of
 * root's before anything is done in it: whoever owns the top level may rename what lies there at any moment, and cannot
 * divert us any more. Subvolumes are named by their numbers, which are never used twice.
 */
import { invariant } from '../../base/errors.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import { OURS } from './naming.ts';

/** Exit codes of what runs in the namespace. */
export const INNER_EXITS = {
  noNamespace: 84,
  notMounted: 85,
  otherFileSystem: 86,
  notOurs: 87,
  noOrigin: 88,
  failed: 89,
} as const;

/**
 * sp_btrfs_read TEXT: takes what `btrfs subvolume show` says apart: sp_uuid, sp_parent and sp_flags, empty where it says
 * nothing of them. What it prints begins with a path, which may have any form, and ends with a list of names; between
 * the two each line has a form of its own, and of each the first counts.
 */
export const READ = `
sp_btrfs_field() {
  printf "%s\\n" "$1" | sed -n "s/^[[:blank:]]\\{1,\\}$2:[[:blank:]]*\\([A-Za-z0-9-]*\\)[[:blank:]]*\\$/\\1/p" | sed -n 1p
}
sp_btrfs_read() {
  sp_uuid=$(sp_btrfs_field "$1" UUID)
  sp_parent=$(sp_btrfs_field "$1" "Parent UUID")
  sp_flags=$(sp_btrfs_field "$1" Flags)
  [ -n "$sp_uuid" ]
}`;

/**
 * In the namespace: sp_open SOURCE: the top level at $sp_tmp/top, read-only; sp_writable: makes it writable here.
 *
 * sp_device ROOT TARGET: leaves in sp_dev the number of the device that is mounted there.
 *
 * sp_ours: our folder at $sp_tmp/ours. 0: it is; 1: there is none; 2: what is there is not ours.
 *
 * sp_close: as before sp_open.
 */
const INSIDE = `
trap "" HUP INT TERM
umask 077
sp_verb=$1; shift
sp_tmp=$(cd /tmp && pwd -P) && mount --make-rslave / && mount -n -t tmpfs -o mode=700,size=64m tmpfs "$sp_tmp" || exit ${INNER_EXITS.noNamespace}
mkdir "$sp_tmp/top" "$sp_tmp/ours" "$sp_tmp/origin" || exit ${INNER_EXITS.noNamespace}
sp_safe=nosuid,nodev,noexec,noatime
sp_open() { mount -n -i -t btrfs -o "ro,$sp_safe,subvolid=5" "$1" "$sp_tmp/top"; }
sp_writable() { mount -n -o "remount,bind,rw,$sp_safe" "$sp_tmp/top"; }
sp_device() {
  sp_dev=
  while read -r sp_mount sp_above sp_number sp_root sp_target sp_more; do
    [ "$sp_root $sp_target" != "$1 $2" ] || sp_dev=$sp_number
  done < /proc/self/mountinfo
  [ -n "$sp_dev" ]
}
sp_leave() { umount -n "$sp_tmp/ours" 2>/dev/null; }
sp_close() { sp_leave; umount -n "$sp_tmp/top"; }
sp_ours() {
  sp_leave
  [ -e "$sp_tmp/top/${OURS}" ] || [ -L "$sp_tmp/top/${OURS}" ] || return 1
  mount -n --bind "$sp_tmp/top/${OURS}" "$sp_tmp/ours" 2>/dev/null || return 2
  # Through a link it would be another folder, and the kernel knows which one was mounted.
  sp_device / "$sp_tmp/top" && sp_there=$sp_dev && sp_device "/${OURS}" "$sp_tmp/ours" && [ "$sp_dev" = "$sp_there" ] || return 2
  case $(stat -c "%u %a %F" "$sp_tmp/ours") in "0 700 directory"|"0 2700 directory") ;; *) return 2 ;; esac
}`;

/** The text of a variable of sh. */
function quoted(text: string): string {
  invariant(!text.includes("'"), 'what runs in the namespace has no quotation mark');
  return `'${text}'`;
}

/** sp_btrfs_in VERB ARGUMENT…: runs a verb of these, sp_VERB, in a namespace of its own. */
export function inNamespace(verbs: string): string {
  return `
SP_BTRFS_INSIDE=${quoted([INSIDE, READ, verbs, `"sp_$sp_verb" "$@"`].join('\n'))}
sp_btrfs_in() { unshare -m /bin/sh -c "$SP_BTRFS_INSIDE" sh "$@" </dev/null; }`;
}

/**
 * sp_btrfs_all MOUNTINFO…: a line "UUID SOURCE" for each Btrfs that is mounted, by the kernel's own words: mountinfo has
 * the name of a device, and /sys the UUID that goes with its number.
 *
 * sp_btrfs_source UUID RUN: the source of one of them; also where only the namespace of that run has it mounted any more.
 */
export const SOURCES = `
sp_btrfs_all() {
  sed -n 's/^.* - btrfs \\(\\/[^ ]*\\) [^ ]*$/\\1/p' "$@" 2>/dev/null | sort -u | while read -r sp_source; do
    sp_number=$(stat -L -c '%t %T' "$sp_source" 2>/dev/null) || continue
    sp_kernel=$(readlink "/sys/dev/block/$((0x\${sp_number% *})):$((0x\${sp_number#* }))") || continue
    for sp_fs in /sys/fs/btrfs/*/devices/"\${sp_kernel##*/}"; do
      [ -e "$sp_fs" ] || continue
      sp_fs=\${sp_fs%/devices/*}
      echo "\${sp_fs##*/} $sp_source"
    done
  done
}
sp_btrfs_source() {
  sp_keeper=self
  [ ! -r "${RUN_ROOT}/$2/keeper" ] || read -r sp_keeper sp_ns < "${RUN_ROOT}/$2/keeper"
  sp_btrfs_all /proc/self/mountinfo "/proc/$sp_keeper/mountinfo" | sed -n "s/^$1 //p" | sed -n 1p | grep .
}`;
