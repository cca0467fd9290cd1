/** What makes a snapshot, as verbs of the private namespace. */
import { OURS } from './naming.ts';
import { INNER_EXITS } from './private-namespace.ts';

/** What the lines of a list of subvolumes have in common; the number of the one in which it lies comes next. */
export const LIST_SUBVOLUMES = 'btrfs subvolume list -p -u -q';

/**
 * sp_of ORIGIN: whether what was read is a read-only snapshot of it; "-" for a top level whose UUID is not known.
 *
 * sp_inside NUMBER PATTERN LIST: the numbers that stand at the beginning of a line of a list, of what lies in this one.
 *
 * sp_make SOURCE DEVICE NUMBER FOLDER NAME: makes the folder with the marks and, in it, the snapshot of the subvolume of
 * this number. The folder is new; in one that is there, or under a name that is there, a snapshot would come to lie elsewhere.
 *
 * sp_prove SOURCE NUMBER FOLDER NAME ORIGIN PATH KNOWN: prints, to descriptor 3, UUID, origin and number of what was made, and, on a second
 * line, what lies in the origin, is none of the numbers KNOWN and no read-only
 * snapshot: the paths from the top level, in hexadecimal digits. What is
 * no snapshot of the origin goes at once, because its folder does not say what it is of.
 */
export const MAKE = `
# Of the UUID of a top level early versions of the program do not speak.
sp_of() { [ "$sp_flags" = readonly ] && { [ "$1" = - ] || [ "$1" = "$sp_parent" ]; }; }
sp_inside() { sed -n "s/^ID \\([0-9]*\\) gen [0-9]* \\(cgen [0-9]* \\)\\{0,1\\}parent $1 top level [0-9]* $2.*/\\1/p" "$3"; }
sp_make() {
  sp_open "$1" || exit ${INNER_EXITS.notMounted}
  sp_device / "$sp_tmp/top" && [ "$sp_dev" = "$2" ] || exit ${INNER_EXITS.otherFileSystem}
  sp_writable || exit ${INNER_EXITS.notMounted}
  sp_try=0
  while :; do
    [ -e "$sp_tmp/top/${OURS}" ] || mkdir "$sp_tmp/top/${OURS}" 2> "$sp_tmp/said"
    sp_ours
    sp_code=$?
    [ "$sp_code" != 0 ] || ! mkdir "$sp_tmp/ours/$4" 2> "$sp_tmp/said" || break
    sp_try=$((sp_try + 1))
    # Who removed the last snapshot may have removed our folder with it.
    [ "$sp_try" -ge 5 ] || continue
    [ "$sp_code" != 2 ] || exit ${INNER_EXITS.notOurs}
    cat "$sp_tmp/said"
    exit ${INNER_EXITS.failed}
  done
  mount -n -i -t btrfs -o "ro,$sp_safe,subvolid=$3" "$1" "$sp_tmp/origin" || exit ${INNER_EXITS.noOrigin}
  btrfs subvolume snapshot -r "$sp_tmp/origin" "$sp_tmp/ours/$4/$5" || exit ${INNER_EXITS.failed}
}
sp_prove() {
  sp_open "$1" && sp_writable || exit ${INNER_EXITS.notMounted}
  sp_ours || exit ${INNER_EXITS.notOurs}
  sp_said=$(btrfs subvolume show "$sp_tmp/ours/$3/$4") && sp_btrfs_read "$sp_said" || exit ${INNER_EXITS.failed}
  if ! sp_of "$5"; then
    btrfs subvolume delete "$sp_tmp/ours/$3/$4" >/dev/null
    exit ${INNER_EXITS.noOrigin}
  fi
  sp_made=$(sp_btrfs_field "$sp_said" "Subvolume ID")
  if [ "$2" != 5 ]; then
    sp_path=$(btrfs inspect-internal subvolid-resolve "$2" "$sp_tmp/top") && [ "$sp_path" = "$6" ] || exit ${INNER_EXITS.noOrigin}
  fi
  ${LIST_SUBVOLUMES} "$sp_tmp/top" > "$sp_tmp/list" || exit ${INNER_EXITS.failed}
  ${LIST_SUBVOLUMES} -r "$sp_tmp/top" > "$sp_tmp/locked" || exit ${INNER_EXITS.failed}
  echo "$sp_uuid $sp_parent $sp_made" >&3
  # Snapshots that others make are set aside, those that come in the meantime, too.
  sp_known=" $7 $(sp_inside "$2" "parent_uuid [0-9a-f]" "$sp_tmp/locked" | tr "\\n" " ") "
  for sp_child in $(sp_inside "$2" parent_uuid "$sp_tmp/list"); do
    case $sp_known in *" $sp_child "*) continue ;; esac
    # A number that is no subvolume is a part of a name.
    sp_path=$(btrfs inspect-internal subvolid-resolve "$sp_child" "$sp_tmp/top" 2>/dev/null) || continue
    case $sp_path in ${OURS}/sp_*) continue ;; esac
    printf "%s " "$(printf %s "$sp_path" | od -An -v -tx1 | tr -d " \\n")" >&3
  done
  echo >&3
}`;
