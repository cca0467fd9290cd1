/**
 * What a host must be able to do with our snapshots of subvolumes without us: list, remove, guard.
 *
 * Invariants. Only a subvolume is removed that lies in a folder with our name, this run and this owner, is read-only, is a
 * snapshot of what its folder says, and (where recorded) has the same UUID; one a command. Nobody but root can put one
 * there. A file system that cannot be looked at is never taken for an empty one.
 *
 * A snapshot's id is "<UUID of the file system>/<name>"; its proofs are its UUID, that of its origin, the number of the
 * mounted device, its own number, and the name of its folder.
 */
import type { StorageFunctions } from '../host/functions.ts';
import { MAKE } from './create-script.ts';
import { OURS } from './naming.ts';
import { INNER_EXITS, inNamespace, READ, SOURCES } from './private-namespace.ts';

/** sp_list [UUID SOURCE]…: the lines of `sp_btrfs_list`. */
const LIST = `
sp_list() {
  while [ "$#" -ge 2 ]; do
    sp_fs=$1 sp_source=$2; shift 2
    if ! sp_open "$sp_source" 2> "$sp_tmp/said"; then
      printf "unread %s\\t%s\\n" "$sp_source" "$(tr -d "\\t\\n" < "$sp_tmp/said")"
      continue
    fi
    sp_ours
    case $? in
      0) sp_list_ours ;;
      2) printf "unread %s\\tit is no folder of root alone\\n" "$sp_source:/${OURS}" ;;
    esac
    sp_close
  done
}
sp_list_ours() {
  for sp_folder in "$sp_tmp"/ours/sp_????????_????????*; do
    [ -e "$sp_folder" ] || [ -L "$sp_folder" ] || continue
    sp_folder=\${sp_folder##*/}
    sp_name=\${sp_folder%%.*}
    case $sp_name in *[!0-9a-z_]*) continue ;; sp_????????_????????) ;; *) continue ;; esac
    sp_whose=\${sp_folder#"$sp_name"}; sp_whose=\${sp_whose#.}; sp_whose=\${sp_whose%%.*}
    case $sp_whose in *[!0-9a-f]*) sp_whose=- ;; ????????????) ;; *) sp_whose=- ;; esac
    sp_run=\${sp_name#sp_}
    echo "object btrfs \${sp_run%_*} $sp_whose $sp_fs/$sp_name"
  done
}`;

/**
 * sp_remove SOURCE ID OWNER [UUID]: the lines of `sp_btrfs_remove`. An empty folder of ours goes, too: it is what a run
 * leaves that was ended before its snapshot, or after it. A subvolume of that name in another place is not removed, and not
 * called gone: somebody moved our folder, and may move it back.
 */
const REMOVE = `
sp_find() {
  sp_ours || return 1
  for sp_folder in "$sp_tmp/ours/$sp_name.$sp_owner".*; do break; done
  [ ! -d "$sp_folder" ] || return 0
  for sp_other in "$sp_tmp/ours/$sp_name" "$sp_tmp/ours/$sp_name".*; do
    [ ! -e "$sp_other" ] || return 2
  done
  return 1
}
sp_remove() {
  sp_id=$2 sp_name=\${2##*/} sp_owner=$3 sp_proof=\${4:-} sp_try=0
  sp_open "$1" 2>/dev/null && sp_writable 2>/dev/null || { echo "unread $sp_id"; return 1; }
  while :; do
    sp_find
    case $? in 0) break ;; 2) echo "foreign $sp_id"; return 0 ;; esac
    btrfs subvolume list "$sp_tmp/top" > "$sp_tmp/list" 2>/dev/null || { echo "unread $sp_id"; return 1; }
    grep -q "[ /]$sp_name$" "$sp_tmp/list" || return 0
    sp_try=$((sp_try + 1))
    [ "$sp_try" -lt 3 ] || { echo "foreign $sp_id"; return 0; }
    sleep 1
  done
  sp_try=0
  sp_origin=\${sp_folder##*.} sp_done=no
  while [ -e "$sp_folder/$sp_name" ]; do
    if sp_btrfs_read "$(btrfs subvolume show "$sp_folder/$sp_name" 2>/dev/null)"; then
      sp_of "$sp_origin" || { echo "foreign $sp_id"; return 0; }
      [ -z "$sp_proof" ] || [ "$sp_proof" = "$sp_uuid" ] || { echo "foreign $sp_id"; return 0; }
      # Durable where the program can: what was said to be removed must not be there again after a power cut. It waits for
      # a commit that others may have put off by half a minute; that it is gone it knows at once.
      timeout 10 btrfs subvolume delete -C "$sp_folder/$sp_name" >/dev/null 2>&1 || [ ! -e "$sp_folder/$sp_name" ] ||
        btrfs subvolume delete "$sp_folder/$sp_name" >/dev/null 2>&1
      if [ ! -e "$sp_folder/$sp_name" ]; then sp_done=yes; break; fi
    elif [ -e "$sp_folder/$sp_name" ] && [ "$(stat -c %i "$sp_folder/$sp_name")" != 256 ]; then
      echo "foreign $sp_id"
      return 0
    fi
    sp_try=$((sp_try + 1))
    [ "$sp_try" -lt 5 ] || { echo "busy $sp_id"; return 1; }
    sleep 1
  done
  rm -f "$sp_folder/marks.new" "$sp_folder/marks"
  rmdir "$sp_folder" 2>/dev/null
  [ ! -d "$sp_folder" ] || { echo "busy $sp_id"; return 1; }
  sp_leave
  rmdir "$sp_tmp/top/${OURS}" 2>/dev/null
  [ "$sp_done" = no ] || echo "removed $sp_id"
}`;

/** sp_look SOURCE NAME: UUID, UUID of the origin and flags of a snapshot; nothing where there is none. */
const LOOK = `
sp_look() {
  sp_open "$1" || exit ${INNER_EXITS.notMounted}
  sp_ours || return 0
  for sp_found in "$sp_tmp/ours/$2".*/"$2"; do
    [ -e "$sp_found" ] || continue
    sp_btrfs_read "$(btrfs subvolume show "$sp_found" 2>/dev/null)" && echo "$sp_uuid $sp_parent $sp_flags"
  done
  return 0
}`;

/**
 * sp_foresee SOURCE ID OWNER [UUID], a verb of the namespace: the line of `sp_remove`. Of a folder without a snapshot that
 * goes there is none.
 */
const FORESEE = `
SP_BTRFS_FORESEE='
sp_foresee() {
  sp_id=$2 sp_name=\${2##*/} sp_owner=$3
  sp_open "$1" 2>/dev/null || { echo "unread $sp_id"; return 0; }
  sp_find
  case $? in
    1) btrfs subvolume list "$sp_tmp/top" > "$sp_tmp/list" 2>/dev/null || { echo "unread $sp_id"; return 0; }
      ! grep -q "[ /]$sp_name$" "$sp_tmp/list" || echo "foreign $sp_id"
      return 0 ;;
    2) echo "foreign $sp_id"; return 0 ;;
  esac
  if [ -e "$sp_folder/$sp_name" ]; then
    if ! sp_btrfs_read "$(btrfs subvolume show "$sp_folder/$sp_name" 2>/dev/null)"; then
      if [ "$(stat -c %i "$sp_folder/$sp_name")" = 256 ]; then echo "busy $sp_id"; else echo "foreign $sp_id"; fi
      return 0
    fi
    sp_of "\${sp_folder##*.}" && { [ -z "\${4:-}" ] || [ "$4" = "$sp_uuid" ]; } || { echo "foreign $sp_id"; return 0; }
  fi
  # What else lies there keeps the folder.
  if [ -n "$(ls -A "$sp_folder" | grep -vxF -e "$sp_name" -e marks -e marks.new)" ]; then echo "busy $sp_id"
  elif [ -e "$sp_folder/$sp_name" ]; then echo "removed $sp_id"
  fi
}'
sp_btrfs_foresee() {
  sp_source=$(sp_btrfs_source "\${3%/*}" "$1") || { echo "unread $3"; return 0; }
  SP_BTRFS_INSIDE=$SP_BTRFS_FORESEE$SP_BTRFS_INSIDE
  sp_btrfs_in foresee "$sp_source" "$3" "$2" "\${4:-}" || echo "unread $3"
}`;

const FUNCTIONS = `
sp_btrfs_list() {
  sp_found=$(sp_btrfs_all /proc/self/mountinfo)
  [ -n "$sp_found" ] || return 0
  sp_btrfs_in list $sp_found || echo "$sp_found" | sed 's/^[^ ]* \\(.*\\)$/unread \\1/'
}
sp_btrfs_remove() {
  sp_source=$(sp_btrfs_source "\${3%/*}" "$1") || { echo "unread $3"; return 1; }
  sp_btrfs_in remove "$sp_source" "$3" "$2" "\${4:-}"
  sp_code=$?
  [ "$sp_code" -lt ${INNER_EXITS.noNamespace} ] || echo "unread $3"
  return "$sp_code"
}
sp_btrfs_seen() {
  sp_run=\${1##*/sp_}
  sp_source=$(sp_btrfs_source "\${1%/*}" "\${sp_run%_*}") && sp_btrfs_in look "$sp_source" "\${1##*/}" 2>/dev/null
}
sp_btrfs_shown() {
  sed -n "s|^[0-9]* [0-9]* $4 [^ ]* \\([^ \\\\]*\\) .* - btrfs .*|\\1|p" /proc/self/mountinfo | sed -n 1,3p | while read -r sp_target; do
    sp_path=$(timeout 10 btrfs inspect-internal subvolid-resolve "$5" "$sp_target" 2>/dev/null </dev/null) || continue
    [ "$sp_path" != "${OURS}/$6/\${1##*/}" ] || echo yes
  done
}
# Asked through what the host has mounted it costs one program; the rest is for where that does not show it.
sp_btrfs_guard() {
  if [ -n "$(sp_btrfs_shown "$@")" ]; then echo fine; return 0; fi
  sp_seen=$(sp_btrfs_seen "$1") || { sleep 1; sp_seen=$(sp_btrfs_seen "$1"); }
  if [ "$sp_seen" = "$2 $3 readonly" ]; then echo fine; else echo gone; fi
}`;

export const btrfsOnHost: StorageFunctions = {
  kind: 'btrfs',
  script: [READ, inNamespace([LIST, REMOVE, LOOK, MAKE].join('\n')), SOURCES, FUNCTIONS].join('\n'),
  foresee: FORESEE,
};
