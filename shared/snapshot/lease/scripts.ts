/**
 * The sh that runs on the host to keep the promise "what we made there goes away, whatever happens to us".
 *
 * Layout of a run's folder, /run/stillpoint/<run>/ (mode 0700, on a tmpfs, gone after a reboot):
 *   owner      whose run this is            boot      the boot id at the time of arming
 *   expires    uptime in whole seconds      keeper    "<pid> <mount namespace>" of the process that holds the mounts
 *   watch      pid of the watchman          watch.sh  its text
 *   snapshots  "<vg> <lv> <uuid> <dm name> <reserve extents>" a line, written as soon as a snapshot exists
 *   peak.<lv>  "<used> <total>" sectors     invalid.<lv>  the status that made the guard stop the readers
 *   mnt/<n>/   where snapshot n is mounted, seen in the keeper's namespace only; in it, hidden by the mount, a sentinel
 *
 * Invariants. A snapshot is born with our tags, so it can be found without this folder. Only what has our name, our
 * tags with this owner and run, the type of a snapshot, and (where recorded) the same uuid is removed; one object a
 * command. Processes are killed only when they are in the keeper's mount namespace and that namespace has our mounts.
 * Everything here may run twice and at the same time as itself: "already gone" is success.
 *
 * Crash story. The watchman dies with the host, then the mounts and this folder are gone too and the snapshot waits for
 * the next sweep. The watchman is killed alone: the sweep finds an expired folder. The client dies: the watchman reaps
 * at `expires`.
 */

export const RUN_ROOT = '/run/stillpoint';

/** Hushes LVM: host settings must not change the form of what is read. */
const LVM = `-qq --config 'log{prefix="" command_names=0}'`;

/** sp_readers RUN: prints the pids in the namespace of the run's keeper. */
const READERS = `
sp_readers() {
  [ -r "${RUN_ROOT}/$1/keeper" ] || return 0
  read -r sp_keeper sp_ns < "${RUN_ROOT}/$1/keeper" || return 0
  sp_ns=\${sp_ns#mnt:[}; sp_ns=\${sp_ns%]}
  case $sp_ns in ''|*[!0-9]*) return 0 ;; esac
  for sp_pid in $(ls -l /proc/[0-9]*/ns/mnt 2>/dev/null | sed -n "s|.* /proc/\\([0-9]*\\)/ns/mnt -> mnt:\\[$sp_ns\\]\\$|\\1|p"); do
    if [ "$sp_pid" = "$sp_keeper" ] || grep -q " ${RUN_ROOT}/$1/mnt/" "/proc/$sp_pid/mountinfo" 2>/dev/null; then
      echo "$sp_pid"
    fi
  done
}
sp_kill_readers() {
  sp_try=0
  while [ "$sp_try" -lt 20 ]; do
    sp_pids=$(sp_readers "$1")
    [ -n "$sp_pids" ] || return 0
    kill -KILL $sp_pids 2>/dev/null
    sp_try=$((sp_try + 1))
    [ "$sp_try" -lt 3 ] || sleep 1
  done
  return 1
}`;

/**
 * sp_remove RUN OWNER: removes the run's snapshots and prints "removed <vg>/<lv>", "busy <vg>/<lv>" or
 * "foreign <vg>/<lv>" for each. Fails when one is still there that is ours.
 */
const REMOVE = `
sp_remove() {
  sp_left=0
  command -v lvs >/dev/null 2>&1 || return 0
  sp_list=$(LVM_SUPPRESS_FD_WARNINGS=1 lvs ${LVM} --noheadings --separator '|' -o vg_name,lv_name,lv_uuid,lv_attr,lv_tags 2>/dev/null) || return 1
  while IFS='|' read -r sp_vg sp_lv sp_uuid sp_attr sp_tags; do
    sp_vg=\${sp_vg##* }
    case $sp_lv in "sp_$1_"????????) ;; *) continue ;; esac
    case ",$sp_tags," in *,stillpoint,*) ;; *) echo "foreign $sp_vg/$sp_lv"; continue ;; esac
    case ",$sp_tags," in *",sp.run=$1,"*) ;; *) echo "foreign $sp_vg/$sp_lv"; continue ;; esac
    case ",$sp_tags," in *",sp.owner=$2,"*) ;; *) echo "foreign $sp_vg/$sp_lv"; continue ;; esac
    case $sp_attr in [sS]*) ;; *) echo "foreign $sp_vg/$sp_lv"; continue ;; esac
    sp_known=$(sed -n "s|^$sp_vg $sp_lv \\([^ ]*\\) .*|\\1|p" "${RUN_ROOT}/$1/snapshots" 2>/dev/null)
    if [ -n "$sp_known" ] && [ "$sp_known" != "$sp_uuid" ]; then echo "foreign $sp_vg/$sp_lv"; continue; fi
    sp_try=0
    while :; do
      if timeout 60 lvremove ${LVM} -y "$sp_vg/$sp_lv" >/dev/null 2>&1 </dev/null; then echo "removed $sp_vg/$sp_lv"; break; fi
      if [ ! -e "/dev/$sp_vg/$sp_lv" ] && ! lvs ${LVM} "$sp_vg/$sp_lv" >/dev/null 2>&1 </dev/null; then break; fi
      sp_try=$((sp_try + 1))
      if [ "$sp_try" -ge 5 ]; then echo "busy $sp_vg/$sp_lv"; sp_left=1; break; fi
      sleep 1
    done
  done <<SP_LIST
$sp_list
SP_LIST
  return "$sp_left"
}`;

/** sp_reap RUN OWNER: readers, mounts, snapshots, then the folder. Prints what it removed; fails if something stays. */
export const REAP = `${READERS}
${REMOVE}
sp_reap() {
  sp_kill_readers "$1" || { echo "busy readers"; return 1; }
  sp_remove "$1" "$2" || return 1
  sp_dir="${RUN_ROOT}/$1"
  [ -d "$sp_dir" ] || return 0
  rm -f -- "$sp_dir"/mnt/*/not-mounted "$sp_dir"/peak.* "$sp_dir"/invalid.* "$sp_dir"/*.new
  rmdir -- "$sp_dir"/mnt/* 2>/dev/null
  rm -f -- "$sp_dir/snapshots" "$sp_dir/keeper" "$sp_dir/boot" "$sp_dir/watch" "$sp_dir/watch.sh" "$sp_dir/owner"
  rm -f -- "$sp_dir/expires"
  rmdir -- "$sp_dir/mnt" "$sp_dir" 2>/dev/null
  rmdir -- "${RUN_ROOT}" 2>/dev/null
  [ ! -d "$sp_dir" ]
}`;

/**
 * sp_guard RUN: looks at the fill of each snapshot, notes its peak, grows it at 70 % by a quarter as long as the
 * reserve of its volume group stays untouched, and stops the readers when it has become invalid: an overflowed snapshot
 * answers with errors or with old cached pages, and nothing read from it may be believed.
 */
const GUARD = `
sp_guard() {
  [ -r "${RUN_ROOT}/$1/snapshots" ] || return 0
  sp_run=$1
  while read -r sp_vg sp_lv sp_uuid sp_dm sp_reserve; do
    sp_status=$(dmsetup status "$sp_dm" 2>/dev/null </dev/null)
    set -- $sp_status
    sp_fill=\${4:-}
    sp_used=\${sp_fill%%/*}; sp_total=\${sp_fill##*/}
    case "\${3:-}:$sp_used:$sp_total" in
      snapshot:*[!0-9]*:*|snapshot:*:*[!0-9]*|snapshot::*|snapshot:*:|[!s]*|:*)
        if [ ! -e "${RUN_ROOT}/$sp_run/invalid.$sp_lv" ]; then
          echo "$sp_status" > "${RUN_ROOT}/$sp_run/invalid.$sp_lv"
          sp_kill_readers "$sp_run"
        fi
        continue ;;
    esac
    sp_peak=0
    [ ! -r "${RUN_ROOT}/$sp_run/peak.$sp_lv" ] || read -r sp_peak sp_old < "${RUN_ROOT}/$sp_run/peak.$sp_lv"
    if [ "$sp_used" -ge "$sp_peak" ]; then
      echo "$sp_used $sp_total" > "${RUN_ROOT}/$sp_run/peak.$sp_lv.new" &&
        mv -f "${RUN_ROOT}/$sp_run/peak.$sp_lv.new" "${RUN_ROOT}/$sp_run/peak.$sp_lv"
    fi
    if [ $((sp_used * 10)) -ge $((sp_total * 7)) ]; then
      sp_free=$(vgs ${LVM} --noheadings -o vg_free_count "$sp_vg" 2>/dev/null </dev/null | tr -d ' ')
      sp_have=$(lvs ${LVM} --noheadings -o seg_size_pe "$sp_vg/$sp_lv" 2>/dev/null </dev/null | tr -d ' ')
      case "$sp_free:$sp_have" in *[!0-9:]*|:*|*:) continue ;; esac
      sp_grow=$((sp_have / 4 + 1))
      [ $((sp_free - sp_grow)) -lt "$sp_reserve" ] || timeout 60 lvextend ${LVM} -y -l "+$sp_grow" "$sp_vg/$sp_lv" >/dev/null 2>&1 </dev/null
    fi
  done < "${RUN_ROOT}/$sp_run/snapshots"
}`;

/** The watchman: dead-man and guard in one. Arguments: RUN OWNER INTERVAL. */
export const WATCH = `${REAP}
${GUARD}
sp_watch() {
  cd /
  trap '' HUP PIPE
  unshare -m /bin/sh -c 'mount --make-rslave / && echo "$$ $(readlink "/proc/$$/ns/mnt")" > "$1.new" && mv -f "$1.new" "$1" && exec sleep 2147483' sh "${RUN_ROOT}/$1/keeper" </dev/null &
  sp_keeper_job=$!
  while :; do
    sleep "$3"
    if [ ! -e "${RUN_ROOT}/$1/expires" ]; then kill -KILL "$sp_keeper_job" 2>/dev/null; exit 0; fi
    sp_expires=; sp_up=
    read -r sp_expires < "${RUN_ROOT}/$1/expires"
    read -r sp_up sp_idle < /proc/uptime
    case $sp_expires in ''|*[!0-9]*) sp_expires=0 ;; esac
    if [ "\${sp_up%%.*}" -ge "$sp_expires" ]; then
      if sp_reap "$1" "$2" >/dev/null 2>&1; then exit 0; fi
      continue
    fi
    sp_guard "$1"
  done
}
sp_watch "$@"
`;
