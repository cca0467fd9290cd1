/**
 * The sh that runs on the host to keep the promise "what we made there goes away, whatever happens to us".
 *
 * Layout of a run's folder, /run/stillpoint/<run>/ (mode 0700, on a tmpfs, gone after a reboot). It appears whole: it is
 * filled as .<run> and then renamed.
 *   owner      whose run this is            boot      the boot id at the time of arming
 *   expires    uptime in whole seconds: not the clock, which jumps
 *   ended      there once a removal of the run has begun; nothing revives it
 *   keeper     "<pid> <mount namespace>" of the process that holds the mounts
 *   watch      pid of the watchman          watch.sh  its text
 *   planned    "<vg> <lv>" a line, written before a snapshot is made
 *   snapshots  "<vg> <lv> <uuid> <dm name> <reserve extents>" a line, written as soon as a snapshot exists
 *   peak.<lv>  "<used> <total>" sectors     invalid.<lv>  the status that made the guard stop the readers
 *   mnt/<n>/   where snapshot n is mounted, seen in the keeper's namespace only; in it, hidden by the mount, a sentinel
 *
 * Invariants. What is going to be made is recorded before it is made, so it is removed also where LVM's reports cannot
 * be read; and it is born with our tags, so it can be found without this folder. Only what has our name, our tags with
 * this owner and run, the type of a snapshot, and (where recorded) the same uuid is removed; one object a command. LVM
 * itself looks at tags, type and uuid once more in the moment of removing, under its own lock. Processes are killed only when they are in the keeper's mount namespace and that namespace has our mounts.
 * Everything here may run twice and at the same time as itself: "already gone" is success. Whoever removes a run first
 * makes `ended` and then looks for snapshots; whoever makes a snapshot looks for `ended` afterwards: one of the two sees
 * the other, so no snapshot is made behind a remover's back.
 *
 * Crash story. The watchman dies with the host, then the mounts and this folder are gone too and the snapshot waits for
 * the next sweep. The watchman is killed alone: the client's next renewal says so and the run ends; without a client,
 * the sweep finds an expired folder. The client dies: the watchman reaps at `expires`.
 */

import { LVM } from '../lvm/tool.ts';

export const RUN_ROOT = '/run/stillpoint';

/**
 * sp_place: whether nothing is there, or a folder in which root alone can put anything. In any other, what we write
 * through a link and run as root would be somebody else's choice.
 */
export const PLACE = `
sp_place() {
  [ -e ${RUN_ROOT} ] || [ -L ${RUN_ROOT} ] || return 0
  case $(stat -c '%u %a %F' ${RUN_ROOT} 2>/dev/null) in '0 7'[0145][0145]' directory') return 0 ;; *) return 1 ;; esac
}`;

/** sp_alive RUN: whether the lease of the run has not ended. */
export const ALIVE = `
sp_alive() {
  [ ! -e "${RUN_ROOT}/$1/ended" ] || return 1
  sp_expires=
  [ ! -r "${RUN_ROOT}/$1/expires" ] || read -r sp_expires 2>/dev/null < "${RUN_ROOT}/$1/expires"
  case $sp_expires in ''|*[!0-9]*) return 1 ;; esac
  read -r sp_up sp_idle < /proc/uptime
  [ "\${sp_up%%.*}" -lt "$sp_expires" ] 2>/dev/null
}`;

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
 * sp_row LINE: takes one line of the report SP_COLUMNS apart; fails where a field has not the form that LVM gives it.
 * The uuid comes last, so that a line that was cut is noticed.
 *
 * sp_look VG LV: the same for one volume. 0: it is there; 1: LVM says that there is none; 2: nobody can tell.
 */
const LOOK = `
SP_COLUMNS=vg_name,lv_name,lv_attr,lv_tags,lv_uuid
sp_row() {
  IFS='|' read -r sp_vg sp_lv sp_attr sp_tags sp_uuid sp_more <<SP_ROW
$1
SP_ROW
  sp_vg=\${sp_vg##* }
  case $sp_vg:$sp_lv in :*|*:|*[!A-Za-z0-9:+_.-]*) return 1 ;; esac
  case $sp_attr in ?????????|??????????) ;; *) return 1 ;; esac
  case $sp_attr$sp_tags in *[!A-Za-z0-9_+./=!:\\&#,-]*) return 1 ;; esac
  case $sp_uuid:$sp_more in *[!A-Za-z0-9:-]*) return 1 ;; ??????-????-????-????-????-????-??????:) ;; *) return 1 ;; esac
}
sp_absent() {
  case $1 in *'Failed to find logical volume'*|*'Volume group "'*'" not found'*|*'logical volume(s) not found'*) ;; *) return 1 ;; esac
}
sp_look() {
  sp_answer=$(sp_lvm 60 lvs -o "$SP_COLUMNS" "$1/$2" 2>/dev/null)
  sp_code=$?
  if [ "$sp_code" = 0 ] && sp_row "$sp_answer" && [ "$sp_vg/$sp_lv" = "$1/$2" ]; then return 0; fi
  # One that hangs is not asked again.
  [ "$sp_code" -lt 124 ] && sp_absent "$(sp_lvm 60 lvs "$1/$2" 2>&1 >/dev/null)" && return 1
  return 2
}`;

/**
 * sp_settle RUN OWNER VG LV UUID: removes one snapshot and prints "removed <vg>/<lv>", or why not: "busy", "merging",
 * "foreign", "unread". An empty uuid is one that nobody recorded. Succeeds when nothing of ours has that name any more.
 *
 * sp_remove RUN OWNER: the same for all snapshots of a run, those that were recorded and those that have its tags.
 */
const REMOVE = `
sp_drop() {
  sp_which="lv_tags={\\"stillpoint\\" && \\"sp.run=$1\\" && \\"sp.owner=$2\\"} && lv_attr=~\\"^s\\""
  [ -z "$5" ] || sp_which="$sp_which && lv_uuid=\\"$5\\""
  sp_words=$(sp_lvm 60 lvremove -y -S "$sp_which" "$3/$4" 2>&1 >/dev/null)
}
sp_settle() {
  sp_try=0 sp_done=no
  while :; do
    sp_look "$3" "$4"
    sp_seen=$?
    if [ "$sp_seen" = 0 ]; then
      for sp_tag in stillpoint "sp.run=$1" "sp.owner=$2"; do
        case ",$sp_tags," in *",$sp_tag,"*) ;; *) echo "foreign $3/$4"; return 0 ;; esac
      done
      case $sp_attr in S*) echo "merging $3/$4"; return 0 ;; s*) ;; *) echo "foreign $3/$4"; return 0 ;; esac
      if [ -n "$5" ] && [ "$5" != "$sp_uuid" ]; then echo "foreign $3/$4"; return 0; fi
    elif [ "$sp_seen" = 1 ]; then
      [ "$sp_done" = no ] || echo "removed $3/$4"
      return 0
    fi
    if [ "$sp_try" -ge 5 ]; then
      case $sp_seen in 0) echo "busy $3/$4" ;; *) echo "unread $3/$4" ;; esac
      return 1
    fi
    sp_try=$((sp_try + 1))
    if sp_drop "$@"; then
      sp_done=yes
    elif sp_absent "$sp_words"; then
      [ "$sp_done" = no ] || echo "removed $3/$4"
      return 0
    else
      sleep 1
    fi
  done
}
sp_recorded() {
  sp_known=
  [ -r "${RUN_ROOT}/$1/snapshots" ] || return 0
  while read -r sp_a sp_b sp_c sp_rest; do
    [ "$sp_a/$sp_b" != "$2/$3" ] || sp_known=$sp_c
  done < "${RUN_ROOT}/$1/snapshots"
}
sp_names() {
  [ ! -r "${RUN_ROOT}/$1/planned" ] || cat "${RUN_ROOT}/$1/planned"
  sp_lvm 60 lvs -o "$SP_COLUMNS" 2>/dev/null | while read -r sp_line; do
    sp_row "$sp_line" || continue
    case $sp_lv in "sp_$1_"????????) echo "$sp_vg $sp_lv" ;; esac
  done
}
sp_remove() {
  sp_left=0
  sp_list=$(sp_names "$1")
  while read -r sp_group sp_volume; do
    [ -n "$sp_volume" ] || continue
    sp_recorded "$1" "$sp_group" "$sp_volume"
    sp_settle "$1" "$2" "$sp_group" "$sp_volume" "$sp_known" || sp_left=1
  done <<SP_LIST
$sp_list
SP_LIST
  return "$sp_left"
}`;

/**
 * sp_reap RUN OWNER: readers, mounts, snapshots, then the folder. Prints what it removed; fails if something stays, and
 * then the watchman, if there is one, keeps trying.
 */
export const REAP = `${LVM}
${ALIVE}
${READERS}
${LOOK}
${REMOVE}
sp_clear() {
  [ -d "$1" ] || return 0
  rm -f -- "$1"/mnt/*/not-mounted "$1"/peak.* "$1"/invalid.* "$1"/*.new
  rmdir -- "$1"/mnt/* 2>/dev/null
  rm -f -- "$1/planned" "$1/snapshots" "$1/keeper" "$1/boot" "$1/watch" "$1/watch.sh"
  rm -f -- "$1/expires" "$1/ended" "$1/owner"
  rmdir -- "$1/mnt" "$1" 2>/dev/null
  rmdir -- "${RUN_ROOT}" 2>/dev/null
  [ ! -d "$1" ]
}
sp_reap() {
  sp_dir="${RUN_ROOT}/$1"
  [ ! -d "$sp_dir" ] || : 2>/dev/null > "$sp_dir/ended"
  sp_kill_readers "$1" || { echo "busy the processes that read its snapshots"; return 1; }
  sp_remove "$1" "$2" || return 1
  sp_clear "${RUN_ROOT}/.$1"
  sp_clear "$sp_dir" || { sleep 1; sp_clear "$sp_dir"; }
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
    case "\${3:-}/$sp_fill/" in
      snapshot/*[!0-9/]*|snapshot//*|snapshot/*//|snapshot/*/*/*/*) sp_whole=no ;;
      snapshot/*/*/) sp_whole=yes ;;
      *) sp_whole=no ;;
    esac
    if [ "$sp_whole" = no ]; then
      # While the run is being removed, a snapshot that is gone is as it should be.
      if sp_alive "$sp_run" && [ ! -e "${RUN_ROOT}/$sp_run/invalid.$sp_lv" ]; then
        echo "$sp_status" > "${RUN_ROOT}/$sp_run/invalid.$sp_lv"
        sp_kill_readers "$sp_run"
      fi
      continue
    fi
    sp_peak=0
    [ ! -r "${RUN_ROOT}/$sp_run/peak.$sp_lv" ] || read -r sp_peak sp_old < "${RUN_ROOT}/$sp_run/peak.$sp_lv"
    if [ "$sp_used" -ge "\${sp_peak:-0}" ]; then
      echo "$sp_used $sp_total" > "${RUN_ROOT}/$sp_run/peak.$sp_lv.new" &&
        mv -f "${RUN_ROOT}/$sp_run/peak.$sp_lv.new" "${RUN_ROOT}/$sp_run/peak.$sp_lv"
    fi
    if [ $((sp_used * 10)) -ge $((sp_total * 7)) ]; then
      set -- $(sp_lvm 60 lvs -o lv_size,vg_extent_size,vg_free_count "$sp_vg/$sp_lv" 2>/dev/null | tr '|' ' ')
      case "$#:\${1:-}:\${2:-}:\${3:-}" in 3:*[!0-9:]*|3:*::*|3:*:|[!3]*) continue ;; esac
      sp_grow=$(($1 / $2 / 4 + 1))
      [ $(($3 - sp_grow)) -lt "$sp_reserve" ] || sp_lvm 60 lvextend -y -l "+$sp_grow" "$sp_vg/$sp_lv" >/dev/null 2>&1
    fi
  done < "${RUN_ROOT}/$sp_run/snapshots"
}`;

/**
 * The watchman: dead-man and guard in one. Arguments: RUN OWNER INTERVAL. He is started in an environment of ours, not
 * in that of systemd or of a login. The keeper's namespace is a slave of the
 * host's, so that what is unmounted on the host is unmounted in it too; a private one would hold every mount of the
 * host busy for the length of the run.
 */
export const WATCH = `${REAP}
${GUARD}
sp_watch() {
  cd /
  umask 077
  trap '' HUP PIPE
  echo "$$" > "${RUN_ROOT}/$1/watch"
  sp_slave='--propagation slave'
  unshare --help 2>&1 </dev/null | grep -q -e --propagation || sp_slave=
  unshare -m $sp_slave /bin/sh -c 'mount --make-rslave / && echo "$$ $(readlink "/proc/$$/ns/mnt")" > "$1.new" && mv -f "$1.new" "$1" && exec sleep 2147483' sh "${RUN_ROOT}/$1/keeper" </dev/null &
  sp_job=$!
  sp_ticks=0
  while [ -d "${RUN_ROOT}/$1" ]; do
    sleep "$3"
    if sp_alive "$1"; then
      sp_guard "$1"
    elif [ -e "${RUN_ROOT}/$1/ended" ] && [ "$sp_ticks" -lt 5 ]; then
      # Somebody is removing the run and will report what he removed; he gets a little time.
      sp_ticks=$((sp_ticks + 1))
    else
      sp_ticks=5
      if sp_reap "$1" "$2" >/dev/null 2>&1; then break; fi
    fi
  done
  # A keeper that nobody knew of, because it came up while the run was being removed. Only a child of ours is killed:
  # the number of one that has ended may be somebody else's by now.
  case $(sed 's/.*) . //' "/proc/$sp_job/stat" 2>/dev/null) in "$$ "*) kill -KILL "$sp_job" ;; esac
}
sp_watch "$@"
`;
