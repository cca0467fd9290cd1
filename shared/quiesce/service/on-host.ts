/**
 * What a host must be able to do with services that were stopped, when none of us is there: start again those that ran.
 *
 * Invariants. What is to be started lies on the host's disk, as a file for each service of a source, before anything is
 * stopped; it goes when all of it runs again, and not before. Who lets go renames the file first, to NAME.after: a stop that is
 * still going on finds that at its end, and has it let go again, because what is being stopped may still have looked as if it
 * ran. Only what ran is started, what triggers a service
 * first, then the service, then what needs it. A service that does not come back is tried again three times at once, and then every half minute.
 *
 * Crash story. Whoever dies, the file is there: the section, the watchman, the guard that the freeze left running, a
 * release or a sweep reads it. After a restart of the host its services are started as they are at every start.
 */
import type { HoldFunctions } from '../hook.ts';
import { CONTAINERS_ON_HOST } from './containers.ts';

/**
 * A file of lines: "run RUN"; "unit NAME" for each that ran, in the order of starting, of a container with its restart policy; "since NAME TIME" for each that was
 * stopped, when systemd saw it stop.
 */
const PARENT = '/var/lib/stillpoint';
export const STOPPED = `${PARENT}/stopped`;

/**
 * sp_service_by NAME: prints who manages what has this name.
 *
 * sp_service_runs UNIT: whether it runs, or is about to.
 *
 * sp_service_fact PROPERTY UNIT: prints what systemd knows of it.
 *
 * sp_service_ended UNIT: prints when it ended, as its manager knows it.
 */
const LOOK = `
sp_service_by() {
  case $1 in compose:*|container:*) echo docker; return ;; esac
  if [ -d /run/systemd/system ]; then echo systemd
  elif [ -d /run/openrc ] && command -v rc-service >/dev/null 2>&1; then echo openrc
  else echo sysv; fi
}
sp_service_fact() { systemctl show -p "$1" -- "$2" 2>/dev/null </dev/null | sed -n "1s/^$1=//p"; }
sp_service_ended() {
  case $(sp_service_by "$1") in
    docker) sp_docker container inspect -f '{{.State.FinishedAt}}' "\${1#container:}" ;;
    systemd) sp_service_fact InactiveEnterTimestampMonotonic "$1" ;;
  esac
}
sp_service_runs() {
  case $(sp_service_by "$1") in
    docker) sp_container_runs "$1" ;;
    systemd) case $(sp_service_fact ActiveState "$1") in active|activating|reloading|deactivating) return 0 ;; *) return 1 ;; esac ;;
    # 4 is stopping, 8 is starting.
    openrc) rc-service "$1" status >/dev/null 2>&1 </dev/null; case $? in 0|4|8) return 0 ;; *) return 1 ;; esac ;;
    sysv) service "$1" status >/dev/null 2>&1 </dev/null ;;
  esac
}`;

/** sp_service_start UNIT POLICY: starts it, and says whether it has come up as far as its manager knows. */
const START = `
sp_service_start() {
  case $(sp_service_by "$1") in
    docker) sp_container_start "$1" "$2" ;;
    systemd)
      if ! systemctl start --no-ask-password -- "$1" >/dev/null 2>&1 </dev/null; then
        # A socket is refused where somebody has started its service in the meantime; that is what it is for.
        case $1 in *.socket) ;; *) return 1 ;; esac
        for sp_for in $(sp_service_fact Triggers "$1"); do sp_service_runs "$sp_for" || return 1; done
        return 0
      fi
      [ "$(sp_service_fact ActiveState "$1")/$(sp_service_fact SubState "$1")" != activating/auto-restart ] || return 1
      [ "$(sp_service_fact ActiveState "$1")" != failed ] ;;
    openrc) sp_service_runs "$1" || rc-service "$1" start >/dev/null 2>&1 </dev/null ;;
    sysv) sp_service_runs "$1" || service "$1" start >/dev/null 2>&1 </dev/null ;;
  esac
}`;

/** sp_service_thaw NAME RUN: what another run has stopped since, or is about to stop, stays. */
const THAW = `
sp_service_thaw() {
  sp_plan="${STOPPED}/$1"
  for sp_written in "$sp_plan" "$sp_plan.after" "$sp_plan.new"; do [ ! -e "$sp_written" ] || break; done
  [ ! -e "$sp_written" ] || grep -qxF "run $2" "$sp_written" || return 0
  mv -f "$sp_plan" "$sp_plan.after" 2>/dev/null
  if [ ! -e "$sp_plan.after" ]; then
    # Nothing was stopped yet where it is only about to be written.
    rm -f -- "$sp_plan.new" "$sp_plan.sh" "$sp_plan.tries"
    rmdir -- "${STOPPED}" "${PARENT}" 2>/dev/null
    return 0
  fi
  read -r sp_up sp_idle < /proc/uptime
  sp_up=\${sp_up%%.*} sp_tries=0 sp_last=0
  [ ! -r "$sp_plan.tries" ] || read -r sp_tries sp_last < "$sp_plan.tries"
  [ "$sp_tries" -lt 4 ] || [ "$sp_up" -ge $((sp_last + 30)) ] || [ "$sp_up" -lt "$sp_last" ] || return 1
  echo "$((sp_tries + 1)) $sp_up" > "$sp_plan.tries"
  sp_down=0
  while read -r sp_word sp_unit sp_rest; do
    [ "$sp_word" = unit ] || continue
    sp_service_start "$sp_unit" "$sp_rest" || sp_down=1
  done < "$sp_plan.after"
  [ "$sp_down" = 0 ] || return 1
  # Another one may have done the same meanwhile, and another run may have come since.
  grep -qxF "run $2" "$sp_plan.after" 2>/dev/null || return 0
  rm -f -- "$sp_plan.after" "$sp_plan.sh" "$sp_plan.tries"
  rmdir -- "${STOPPED}" "${PARENT}" 2>/dev/null
  return 0
}`;

export const servicesOnHost: HoldFunctions = {
  kind: 'service',
  script: [CONTAINERS_ON_HOST, LOOK, START, THAW].join('\n'),
};
