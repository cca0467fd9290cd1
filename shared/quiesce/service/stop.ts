/** How a service is stopped: what runs is written down first, and a guard is left running that starts it in time. */
import type { Fragment } from '../../remote/fragment.ts';
import { LET_GO_MEANWHILE } from '../guard.ts';
import { CONTAINERS_STOPPED } from './containers.ts';
import { STOPPED, servicesOnHost } from './on-host.ts';

/** sp_service_is_there NAME */
export const IS_THERE = `${CONTAINERS_STOPPED}
sp_service_is_there() {
  case $(sp_service_by "$1") in
    docker) sp_container_there "$1" ;;
    systemd) [ "$(sp_service_fact LoadState "$1")" = loaded ] ;;
    openrc) rc-service -e "$1" ;;
    sysv) [ -x "/etc/init.d/$1" ] ;;
  esac
}`;

/**
 * What depends on a service is stopped with it, and what triggers it would start it again: so all of those that run are
 * written down, and those that trigger it are stopped first.
 */
const CLOSURE = `
# OpenRC stops what needs a service with it, in the order in which it names them, and starts none of it again.
sp_service_needing() {
  sp_all=
  for sp_next in $(rc-service "$1" needsme 2>/dev/null </dev/null); do sp_all="$sp_next $sp_all"; done
  for sp_next in "$1" $sp_all; do sp_service_runs "$sp_next" && echo "unit $sp_next"; done
}
sp_service_closure() {
  sp_todo=$1 sp_all=
  while [ -n "$sp_todo" ]; do
    sp_next=\${sp_todo%% *}
    case $sp_todo in *' '*) sp_todo=\${sp_todo#* } ;; *) sp_todo= ;; esac
    [ -n "$sp_next" ] || continue
    case " $sp_all " in *" $sp_next "*) continue ;; esac
    sp_all="$sp_all $sp_next"
    for sp_how in TriggeredBy RequiredBy BoundBy ConsistsOf; do
      sp_todo="$sp_todo $(sp_service_fact "$sp_how" "$sp_next")"
    done
  done
  # A socket cannot be started when its service runs. A target has nothing of its own that could be started.
  for sp_next in $sp_all; do
    case $sp_next in *.socket|*.timer|*.path) sp_service_runs "$sp_next" && echo "unit $sp_next" ;; esac
  done
  for sp_next in $sp_all; do
    case $sp_next in *.socket|*.timer|*.path|*.target) ;; *) sp_service_runs "$sp_next" && echo "unit $sp_next" ;; esac
  done
}`;

/** Left running by the freeze: it starts what was stopped when nobody else has in time. In a session of its own. */
const GUARD = `
while grep -qsxF "run $3" "$2" "$2.after"; do
  read -r sp_now sp_idle < /proc/uptime
  [ "\${sp_now%%.*}" -lt "$4" ] || sp_service_thaw "$1" "$3"
  sleep 1
done`;

/** How long a service may still run when its manager has said that it is stopped. */
const STOPPING_SECONDS = 60;

export function stopService(
  { name, others }: { readonly name: string; readonly others: readonly string[] },
  run: string,
  deadlineSeconds: number,
): Fragment<void> {
  return {
    name: 'stop-service',
    script: `${CLOSURE}${IS_THERE}
name=$1 run=$2
file=${STOPPED}/$name
umask 077
read -r up idle < /proc/uptime
due=$((\${up%%.*} + $3))
if [ -e "$file" ] || [ -e "$file.after" ]; then
  # Of a run that is over, because the host was started anew, or because the service did not come back.
  other=$(cat "$file" "$file.after" 2>/dev/null | sed -n 's/^run //p' | head -n 1)
  [ -n "$other" ] && [ ! -d "/run/stillpoint/$other" ] && sp_service_thaw "$name" "$other"
  [ ! -e "$file" ] && [ ! -e "$file.after" ] || { echo "another run has stopped it, or it did not come back; see $file" >&2; exit 86; }
fi
by=$(sp_service_by "$name")
guard=$4
shift 4
for other in "$name" "$@"; do
  sp_service_is_there "$other" || { echo "there is no service \\"$other\\"" >&2; exit 87; }
done
unit=$name
if [ "$by" = systemd ]; then
  unit=$(sp_service_fact Id "$name")
  # What triggers it is stopped first, and could not be started beside a service that goes on.
  [ "$(sp_service_fact RefuseManualStop "$unit")" != yes ] || { echo "\\"$unit\\" cannot be stopped by hand (RefuseManualStop)" >&2; exit 91; }
fi
# Another run that lets go may remove the empty folder in between.
n=0
until mkdir -p "${STOPPED}" && echo "run $run" > "$file.new"; do
  n=$((n + 1))
  [ "$n" -lt 20 ] || { rm -f -- "$file.new"; exit 85; }
done
# The guard is a file, because systemd would put variables of its own into a command line.
printf '%s\\n' "$guard" > "$file.sh" && {
  case $by in
    systemd) sp_service_closure "$unit"; : ;;
    openrc) sp_service_needing "$unit"; : ;;
    sysv) ! sp_service_runs "$unit" || echo "unit $unit" ;;
    docker) sp_container_units "$name" || exit 92 ;;
  esac
} >> "$file.new" && grep -qxF "run $run" "$file.new" && { sync "$file.new" 2>/dev/null || sync; } || exit 85
written=$(cat "$file.new")
# What is added later goes to this file, and makes no other one where this one was let go.
exec 7>> "$file.new" && mv -f "$file.new" "$file" || exit 85
sp_units=$(printf '%s\\n' "$written" | sed -n 's/^unit \\([^ ]*\\).*/\\1/p')
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  set -- --unit="stillpoint-start-$run-$$" /bin/sh "$file.sh" "$name" "$file" "$run" "$due"
  systemd-run --quiet --collect "$@" </dev/null >&2 || systemd-run "$@" </dev/null >&2 || exit 88
else
  setsid /bin/sh "$file.sh" "$name" "$file" "$run" "$due" </dev/null >/dev/null 2>&1 7>&- &
fi
# Who let it go meanwhile may have found that it still ran.
gives_up() {
  if ! grep -qsxF "run $run" "$file"; then
    mkdir -p "${STOPPED}" && printf '%s\\n' "$written" > "$file.new" && mv -f "$file.new" "$file"
    sp_service_thaw "$name" "$run"
  fi
  exit "$1"
}
still_runs() {
  for stopped in $sp_units $unit; do ! sp_service_runs "$stopped" || return 0; done
  return 1
}
case $by in
  systemd)
    for trigger in $sp_units; do
      case $trigger in *.socket|*.timer|*.path) systemctl stop --no-ask-password -- "$trigger" </dev/null >&2 || gives_up 89 ;; esac
    done
    systemctl stop --no-ask-password -- "$unit" </dev/null >&2 || gives_up 89 ;;
  openrc) ! sp_service_runs "$unit" || rc-service "$unit" stop </dev/null >&2 || gives_up 89 ;;
  sysv) ! sp_service_runs "$unit" || service "$unit" stop </dev/null >&2 || gives_up 89 ;;
  docker)
    unit=
    printf '%s\\n' "$written" | sed -n '1!G;h;$p' | while read -r word each policy; do
      [ "$word" != unit ] || sp_container_stop "$each" "$policy" || exit 89
    done || gives_up 89 ;;
esac
# Many a script ends before its service does. What runs although its manager has stopped it was started again by whoever let it go.
n=0
while still_runs; do
  n=$((n + 1))
  case $by in systemd|docker) grep -qsxF "run $run" "$file" || break ;; esac
  [ "$n" -lt ${STOPPING_SECONDS} ] || { echo "\\"$stopped\\" runs although it was stopped" >&2; gives_up 90; }
  sleep 1
done
case $by in systemd|docker)
  for stopped in $sp_units $unit; do echo "since $stopped $(sp_service_ended "$stopped")"; done >&7 ;;
esac
grep -qsxF "run $run" "$file" || { echo "${LET_GO_MEANWHILE}" >&2; gives_up 93; }`,
    args: [name, run, String(deadlineSeconds), `${servicesOnHost.script}\n${GUARD}`, ...others],
    fields: 0,
    parse: () => undefined,
  };
}
