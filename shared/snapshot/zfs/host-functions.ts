/**
 * What a host must be able to do with our snapshots of datasets without us: list, remove, guard.
 *
 * Invariants. Only a snapshot is removed that has our name, this run and this owner as properties that were set on itself,
 * and (where recorded) the same guid and the same txg of its creation: a copy that `zfs receive` made has the same guid.
 * One a command, never with what depends on it, and only when a dry run has named it and nothing else. Nothing is asked of
 * a pool that the kernel has suspended: whoever asks would wait until somebody clears it, and could not be ended.
 *
 * A snapshot's id is its full name, with "=" for blanks; its proofs are guid, txg of its creation, and what its guard needs:
 * the dataset whose room it shares, by what that room is known, and how many bytes there must be left.
 */
import type { StorageFunctions } from '../host/functions.ts';
import { OWNER_PROPERTY, RUN_PROPERTY } from './naming.ts';

/**
 * sp_zfs_name WORD: a name from an id. sp_zfs_word NAME: the other way.
 *
 * sp_zfs_state POOL: what the kernel says of a pool, without asking the pool; nothing where it is not there.
 *
 * sp_zfs_answers POOL: whether it may be asked.
 *
 * sp_zfs_look NAME: takes apart what ZFS says of a snapshot. 0: it is there; 1: there is none; 2: nobody can tell.
 */
const LOOK = `
sp_zfs_tab=$(printf '\\t')
sp_zfs_name() { printf %s "$1" | tr '=' ' '; }
sp_zfs_word() { printf %s "$1" | tr ' ' '='; }
sp_zfs_state() {
  sp_state=
  [ ! -r "/proc/spl/kstat/zfs/$1/state" ] || read -r sp_state < "/proc/spl/kstat/zfs/$1/state"
}
sp_zfs_answers() { sp_zfs_state "$1"; case $sp_state in ONLINE|DEGRADED) ;; *) return 1 ;; esac; }
sp_zfs_look() {
  sp_guid='' sp_txg='' sp_of_run='' sp_of_owner=''
  sp_zfs_answers "\${1%%[/@]*}" && command -v zfs >/dev/null 2>&1 || return 2
  sp_said=$(timeout 60 zfs get -Hp -o property,value,source guid,createtxg,${RUN_PROPERTY},${OWNER_PROPERTY} "$1" 2>&1 </dev/null)
  sp_code=$?
  if [ "$sp_code" != 0 ]; then
    case $sp_said in *'does not exist'*) sp_zfs_answers "\${1%%[/@]*}" && return 1 ;; esac
    return 2
  fi
  while IFS=$sp_zfs_tab read -r sp_property sp_value sp_source; do
    case $sp_property:$sp_source in
      guid:-) sp_guid=$sp_value ;;
      createtxg:-) sp_txg=$sp_value ;;
      ${RUN_PROPERTY}:local) sp_of_run=$sp_value ;;
      ${OWNER_PROPERTY}:local) sp_of_owner=$sp_value ;;
    esac
  done <<SP_SAID
$sp_said
SP_SAID
  [ -n "$sp_guid" ] && [ -n "$sp_txg" ] || return 2
}`;

const LIST = `
sp_zfs_list() {
  command -v zfs >/dev/null 2>&1 || return 0
  for sp_file in /proc/spl/kstat/zfs/*/state; do
    [ -r "$sp_file" ] || continue
    sp_pool=\${sp_file%/state}; sp_pool=\${sp_pool##*/}
    if ! sp_zfs_answers "$sp_pool"; then
      printf 'unread the pool %s\\tits state is %s\\n' "$sp_pool" "$sp_state"
      continue
    fi
    sp_zfs_list_pool
  done
}
sp_zfs_list_pool() {
  sp_names=$({ timeout 120 zfs list -H -r -t snapshot -o name -s name "$sp_pool" 2>/dev/null </dev/null || echo @failed; } |
    grep -e '@sp_[0-9a-f]\\{8\\}_[0-9a-f]\\{8\\}$' -e '^@failed$')
  while read -r sp_name; do
    case $sp_name in
      '') ;;
      @failed) printf 'unread the pool %s\\t%s\\n' "$sp_pool" "$(timeout 60 zfs list -H -d 0 "$sp_pool" 2>&1 >/dev/null </dev/null | tail -n 1 | tr -d '\\t')" ;;
      *)
        sp_run=\${sp_name##*@sp_}
        sp_zfs_look "$sp_name"
        case $? in
          0) case $sp_of_owner in ''|*[!0-9a-f]*) sp_of_owner=- ;; esac
            echo "object zfs \${sp_run%_*} $sp_of_owner $(sp_zfs_word "$sp_name")" ;;
          2) echo "unread $sp_name" ;;
        esac ;;
    esac
  done <<SP_NAMES
$sp_names
SP_NAMES
}`;

/**
 * sp_zfs_take_away RUN OWNER ID TAGS GUID TXG: removes one of these marks and, where they are not empty, this identity, which
 * we may hold by each of these tags; the lines and exit codes of `sp_zfs_remove`. A clone needs what it was made of; that is for its owner to say. A hold of somebody
 * else goes some day.
 */
const REMOVE = `
sp_zfs_take_away() {
  sp_id=$3 sp_name=$(sp_zfs_name "$3") sp_try=0 sp_done=no
  while :; do
    sp_zfs_look "$sp_name"
    sp_seen=$?
    if [ "$sp_seen" = 1 ]; then
      [ "$sp_done" = no ] || echo "removed $sp_id"
      return 0
    fi
    if [ "$sp_seen" = 0 ]; then
      [ "$sp_of_run:$sp_of_owner" = "$1:$2" ] || { echo "foreign $sp_id"; return 0; }
      [ -z "$5" ] || [ "$5" = "$sp_guid" ] || { echo "foreign $sp_id"; return 0; }
      [ -z "$6" ] || [ "$6" = "$sp_txg" ] || { echo "foreign $sp_id"; return 0; }
      for sp_tag in $4; do timeout 60 zfs release "$sp_tag" "$sp_name" >/dev/null 2>&1 </dev/null; done
      sp_said=$(timeout 60 zfs destroy -nvp "$sp_name" 2>&1 </dev/null)
      case $sp_said in
        *'has dependent clones'*) echo "needed $sp_id"; return 0 ;;
        "destroy$sp_zfs_tab$sp_name
reclaim$sp_zfs_tab"*)
          case $sp_said in
            *"
destroy$sp_zfs_tab"*) ;;
            *) ! timeout 120 zfs destroy "$sp_name" >/dev/null 2>&1 </dev/null || { sp_done=yes; continue; } ;;
          esac ;;
      esac
    fi
    sp_try=$((sp_try + 1))
    if [ "$sp_try" -ge 5 ]; then
      case $sp_seen in 0) echo "busy $sp_id" ;; *) echo "unread $sp_id" ;; esac
      return 1
    fi
    sleep 1
  done
}
sp_zfs_remove() { sp_zfs_take_away "$1" "$2" "$3" "sp_$1" "\${4:-}" "\${5:-}"; }`;

/** Our own hold is let go before; one of somebody else is not. */
const FORESEE = `
sp_zfs_foresee() {
  sp_name=$(sp_zfs_name "$3")
  sp_zfs_look "$sp_name"
  case $? in
    1) return 0 ;;
    2) echo "unread $3"; return 0 ;;
  esac
  [ "$sp_of_run:$sp_of_owner" = "$1:$2" ] && { [ -z "\${4:-}" ] || [ "$4" = "$sp_guid" ]; } && { [ -z "\${5:-}" ] || [ "$5" = "$sp_txg" ]; } ||
    { echo "foreign $3"; return 0; }
  sp_clones=$(timeout 60 zfs get -Hp -o value clones "$sp_name" 2>/dev/null </dev/null) &&
    sp_tags=$(timeout 60 zfs holds -H "$sp_name" 2>/dev/null </dev/null) || { echo "unread $3"; return 0; }
  sp_word=removed
  while IFS=$sp_zfs_tab read -r sp_held sp_tag sp_when; do
    case $sp_tag in ''|"sp_$1") ;; *) sp_word=busy ;; esac
  done <<SP_TAGS
$sp_tags
SP_TAGS
  case $sp_clones in ''|-) ;; *) sp_word=needed ;; esac
  echo "$sp_word $3"
}`;

/** One program for a snapshot and the room that it shares; a pool that does not answer costs none. */
const GUARD = `
sp_zfs_guard() {
  sp_name=$(sp_zfs_name "$1") sp_room=$(sp_zfs_name "\${4:-}") sp_is=gone sp_free='' sp_used=0
  sp_zfs_state "\${sp_name%%[/@]*}"
  case $sp_state in
    ONLINE|DEGRADED) ;;
    '') echo gone; return 0 ;;
    *) echo "threat $(sp_zfs_word "\${sp_name%%[/@]*}") $sp_state 0 0"; return 0 ;;
  esac
  sp_rows=$(timeout 60 zfs list -Hp -t filesystem,snapshot -o name,guid,createtxg,used,available,quota "$sp_name" "$sp_room" 2>/dev/null </dev/null)
  while IFS=$sp_zfs_tab read -r sp_row sp_guid sp_txg sp_a sp_b sp_c; do
    if [ "$sp_row" = "$sp_name" ]; then
      [ "$sp_guid $sp_txg" != "$2 $3" ] || sp_is=fine
    elif [ "$sp_row" = "$sp_room" ]; then
      case $sp_a:$sp_b:$sp_c in *[!0-9:]*|:*|*::*|*:) continue ;; esac
      sp_used=$sp_a
      case \${5:-} in
        available) sp_free=$sp_b ;;
        quota) [ "$sp_c" = 0 ] || sp_free=$((sp_c - sp_a)) ;;
      esac
    fi
  done <<SP_ROWS
$sp_rows
SP_ROWS
  [ "$sp_is" = fine ] || { echo gone; return 0; }
  if [ -n "$sp_free" ] && [ "$sp_free" -lt "\${6:-0}" ]; then
    [ "$sp_free" -ge 0 ] || sp_free=0
    echo "threat $4 room $sp_used $((sp_used + sp_free))"
  elif [ -n "$sp_free" ]; then
    echo "fine $4 room $sp_used $((sp_used + sp_free - \${6:-0}))"
  else
    echo fine
  fi
}`;

export const zfsOnHost: StorageFunctions = {
  kind: 'zfs',
  script: [LOOK, LIST, REMOVE, GUARD].join('\n'),
  foresee: FORESEE,
};
