/**
 * What a host must be able to do with LVM's snapshots, thick and thin, without us: list, remove, guard.
 *
 * Invariants. Only what has our name, our tags with this owner and run, the type of a snapshot, and (where recorded) the
 * same uuid is removed; one object a command. LVM itself looks at tags, type and uuid once more in the moment of
 * removing, under its own lock. A report that cannot be read is never taken for an empty one. A thin snapshot that has
 * lost its origin is a volume like any other, and may be all that is left of it.
 *
 * A snapshot's id is "<vg>/<lv>"; its proofs are uuid, "thick" or "thin", device-mapper name, and what its guard needs.
 */
import type { StorageFunctions } from '../host/functions.ts';
import { THICK_GUARD } from './thick/guard.ts';
import { THIN_GUARD } from './thin/guard.ts';
import { IDENTITY, LVM } from './tool.ts';

/**
 * sp_lvm_row LINE: takes one line of the report SP_COLUMNS apart; fails where a field has not the form that LVM gives it.
 * The uuid comes last, so that a line that was cut is noticed.
 *
 * sp_lvm_look VG/LV: the same for one volume. 0: it is there; 1: LVM says that there is none; 2: nobody can tell.
 */
const LOOK = `
SP_COLUMNS=vg_name,lv_name,lv_attr,origin,lv_tags,lv_uuid
sp_lvm_row() {
  IFS='|' read -r sp_vg sp_lv sp_attr sp_origin sp_tags sp_uuid sp_more <<SP_ROW
$1
SP_ROW
  sp_vg=\${sp_vg##* }
  case $sp_vg:$sp_lv in :*|*:|*[!A-Za-z0-9:+_.-]*) return 1 ;; esac
  case $sp_attr in ?????????|??????????) ;; *) return 1 ;; esac
  case $sp_origin in *[!A-Za-z0-9+_.-]*) return 1 ;; esac
  case $sp_attr$sp_tags in *[!A-Za-z0-9_+./=!:\\&#,-]*) return 1 ;; esac
  case $sp_uuid:$sp_more in *[!A-Za-z0-9:-]*) return 1 ;; ??????-????-????-????-????-????-??????:) ;; *) return 1 ;; esac
}
sp_lvm_absent() {
  case $1 in *'Failed to find logical volume'*|*'Volume group "'*'" not found'*|*'logical volume(s) not found'*) ;; *) return 1 ;; esac
}
sp_lvm_look() {
  sp_answer=$(sp_lvm 60 lvs -o "$SP_COLUMNS" "$1" 2>/dev/null)
  sp_code=$?
  if [ "$sp_code" = 0 ] && sp_lvm_row "$sp_answer" && [ "$sp_vg/$sp_lv" = "$1" ]; then return 0; fi
  # One that hangs is not asked again.
  [ "$sp_code" -lt 124 ] && sp_lvm_absent "$(sp_lvm 60 lvs "$1" 2>&1 >/dev/null)" && return 1
  return 2
}`;

const LIST = `
sp_lvm_list() {
  command -v lvs >/dev/null 2>&1 || return 0
  sp_report=$(sp_lvm 60 lvs -o "$SP_COLUMNS" 2>/dev/null)
  sp_code=$? sp_known=yes
  [ "$sp_code" = 0 ] || sp_known=no
  while read -r sp_line; do
    [ -n "$sp_line" ] || continue
    sp_lvm_row "$sp_line" || { sp_known=no; continue; }
    case $sp_lv in sp_????????_????????) ;; *) continue ;; esac
    sp_run=\${sp_lv#sp_}
    case ",$sp_tags" in *,sp.owner=?*) sp_whose=\${sp_tags#*sp.owner=}; sp_whose=\${sp_whose%%,*} ;; *) sp_whose=- ;; esac
    echo "object lvm \${sp_run%_*} $sp_whose $sp_vg/$sp_lv"
  done <<SP_REPORT
$sp_report
SP_REPORT
  [ "$sp_known" = no ] || return 0
  # LVM's own words, and what is active by the names that the kernel knows.
  [ "$sp_code" -ge 124 ] || sp_report=$(sp_lvm 60 lvs -o "$SP_COLUMNS" 2>&1 >/dev/null | tail -n 1 | tr -d '\\t')
  [ "$sp_code" -lt 124 ] || sp_report='nothing for a minute'
  printf 'unread the volume groups\\t%s\\n' "$sp_report"
  for sp_name in /sys/block/dm-*/dm/name; do
    [ -r "$sp_name" ] && read -r sp_device < "$sp_name" || continue
    case $sp_device in *-sp_????????_????????) echo "unread /dev/mapper/$sp_device" ;; esac
  done
}`;

/**
 * sp_lvm_take_away ID UUID TAG…: removes a snapshot that bears all of these tags and, where it is not empty, has this UUID;
 * the lines and exit codes of `sp_lvm_remove`.
 */
const REMOVE = `
sp_lvm_drop() {
  sp_dropped=$1 sp_which=
  [ -z "$2" ] || sp_which=" && lv_uuid=\\"$2\\""
  shift 2
  sp_all=
  for sp_tag do sp_all="$sp_all\${sp_all:+ && }\\"$sp_tag\\""; done
  sp_which="lv_tags={$sp_all} && (lv_attr=~\\"^s\\" || (lv_attr=~\\"^V\\" && origin!=\\"\\"))$sp_which"
  sp_words=$(sp_lvm 60 lvremove -y -S "$sp_which" "$sp_dropped" 2>&1 >/dev/null)
}
# sp_lvm_stays ID UUID TAG…: of one that was looked at, says why it is not removed; fails where it is to be.
sp_lvm_stays() {
  sp_stays=$1 sp_identity=$2
  shift 2
  for sp_tag do
    case ",$sp_tags," in *",$sp_tag,"*) ;; *) echo "foreign $sp_stays"; return 0 ;; esac
  done
  case $sp_attr:$sp_origin in
    S*) echo "merging $sp_stays"; return 0 ;;
    s*|V*:?*) ;;
    V*:) echo "alone $sp_stays"; return 0 ;;
    *) echo "foreign $sp_stays"; return 0 ;;
  esac
  [ -n "$sp_identity" ] && [ "$sp_identity" != "$sp_uuid" ] || return 1
  echo "foreign $sp_stays"
}
sp_lvm_take_away() {
  sp_object=$1 sp_proved=$2
  shift 2
  sp_try=0 sp_done=no
  while :; do
    sp_lvm_look "$sp_object"
    sp_seen=$?
    if [ "$sp_seen" = 0 ]; then
      ! sp_lvm_stays "$sp_object" "$sp_proved" "$@" || return 0
    elif [ "$sp_seen" = 1 ]; then
      [ "$sp_done" = no ] || echo "removed $sp_object"
      return 0
    fi
    if [ "$sp_try" -ge 5 ]; then
      case $sp_seen in 0) echo "busy $sp_object" ;; *) echo "unread $sp_object" ;; esac
      return 1
    fi
    sp_try=$((sp_try + 1))
    if sp_lvm_drop "$sp_object" "$sp_proved" "$@"; then
      sp_done=yes
    elif sp_lvm_absent "$sp_words"; then
      [ "$sp_done" = no ] || echo "removed $sp_object"
      return 0
    else
      sleep 1
    fi
  done
}
sp_lvm_remove() { sp_lvm_take_away "$3" "\${4:-}" stillpoint "sp.run=$1" "sp.owner=$2"; }`;

const FORESEE = `
sp_lvm_foresee() {
  sp_lvm_look "$3"
  case $? in
    0) sp_lvm_stays "$3" "\${4:-}" stillpoint "sp.run=$1" "sp.owner=$2" || echo "removed $3" ;;
    1) ;;
    *) echo "unread $3" ;;
  esac
}`;

const GUARD = `
sp_lvm_guard() {
  sp_id=$1 sp_type=\${3:-}
  [ "$#" -lt 3 ] || shift 3
  case $sp_type in
    thick) sp_lvm_guard_thick "$@" ;;
    thin) sp_lvm_guard_thin "$@" ;;
    *) echo gone ;;
  esac
}`;

export const lvmOnHost: StorageFunctions = {
  kind: 'lvm',
  script: [LVM, IDENTITY, LOOK, LIST, REMOVE, THICK_GUARD, THIN_GUARD, GUARD].join('\n'),
  foresee: FORESEE,
};
