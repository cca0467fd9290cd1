/**
 * The processes that read the snapshots of a run. They are killed only when they are in the keeper's mount namespace and
 * that namespace has our mounts: a pid alone may be somebody else's by now.
 */
import { RUN_ROOT } from '../../remote/run-root.ts';

/**
 * sp_readers RUN: prints the pids in the namespace of the run's keeper.
 *
 * sp_kill_readers RUN: ends them; fails where one does not go.
 */
export const READERS = `
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
