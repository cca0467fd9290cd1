/** What the watchman does with a thick snapshot: it has room of its own, and grows while there is more. */

/**
 * sp_lvm_guard_thick DM-NAME RESERVE: the snapshot in $sp_id grows at 70 % by a quarter, as long as the reserve of its
 * volume group, in extents, stays untouched.
 */
export const THICK_GUARD = `
sp_lvm_guard_thick() {
  sp_status=$(dmsetup status "$1" 2>/dev/null </dev/null)
  sp_reserve=$2
  set -- $sp_status
  sp_fill=\${4:-}
  case "\${3:-}/$sp_fill/" in
    snapshot/*[!0-9/]*|snapshot//*|snapshot/*//|snapshot/*/*/*/*) echo full; return 0 ;;
    snapshot/*/*/) ;;
    *) echo gone; return 0 ;;
  esac
  sp_used=\${sp_fill%%/*}; sp_total=\${sp_fill##*/}
  echo "fill $((sp_used * 512)) $((sp_total * 512))"
  [ $((sp_used * 10)) -ge $((sp_total * 7)) ] || return 0
  set -- $(sp_lvm 60 lvs -o lv_size,vg_extent_size,vg_free_count "$sp_id" 2>/dev/null | tr '|' ' ')
  case "$#:\${1:-}:\${2:-}:\${3:-}" in 3:*[!0-9:]*|3:*::*|3:*:|[!3]*) return 0 ;; esac
  sp_grow=$(($1 / $2 / 4 + 1))
  [ $(($3 - sp_grow)) -lt "$sp_reserve" ] || sp_lvm 60 lvextend -y -l "+$sp_grow" "$sp_id" >/dev/null 2>&1
}`;
