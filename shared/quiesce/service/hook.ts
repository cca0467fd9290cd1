/**
 * Stopping services while the snapshots are made, or while all is read where no snapshot can be: a cold backup. systemd, OpenRC and
 * the scripts of /etc/init.d are known.
 */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { Fragment } from '../../remote/fragment.ts';
import type { Hook, PlannedHold } from '../hook.ts';
import { STOPPED, servicesOnHost } from './on-host.ts';

/** How long a service may be down for snapshots, and for reading all of a source; both with the time that it takes to stop. */
const DEADLINES = { 'until-snapshots': 300, 'until-read': 4 * 3600 } as const;

export const services: Hook = {
  onHost: servicesOnHost,
  programs: { coreutils: 'mkdir mv rm rmdir' },
  absent: ({ stop = [] }) => (stop.length === 0 ? undefined : findAbsent(stop)),
  plan: ({ stop = [] }, run, { readsLive }) =>
    stop.map((name) => holdOf(name, run, { holds: readsLive ? 'until-read' : 'until-snapshots', others: stop })),
};

export function holdOf(
  name: string,
  run: string,
  terms: Pick<PlannedHold, 'holds'> &
    Partial<Pick<PlannedHold, 'deadlineSeconds'>> & {
      /** All services of the source: none is stopped where one of them is not there. */
      readonly others?: readonly string[];
    },
): PlannedHold {
  const { holds, deadlineSeconds = DEADLINES[holds], others = [] } = terms;
  return {
    ...{ kind: 'service', id: name, label: `the service "${name}"`, guarantees: 'cold', holds, deadlineSeconds },
    freeze: stopService({ name, others }, run, deadlineSeconds),
    prove: proveStopped(name),
  };
}

/** sp_service_is_there BY NAME */
const IS_THERE = `
sp_service_is_there() {
  case $1 in
    systemd) [ "$(sp_service_fact LoadState "$2")" = loaded ] ;;
    openrc) rc-service -e "$2" ;;
    sysv) [ -x "/etc/init.d/$2" ] ;;
  esac
}`;

/** Those that the manager of the host's services does not know. */
export function findAbsent(names: readonly string[]): RemoteCommand<readonly string[]> {
  const script: RemoteScript = {
    name: 'find-absent-services',
    script: `${servicesOnHost.script}${IS_THERE}
by=$(sp_service_by)
for name do sp_service_is_there "$by" "$name" >/dev/null 2>&1 </dev/null || printf '%s\\0' "$name"; done`,
    args: names,
    needs: 'either',
  };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const absent = stdout.toString('utf8').split('\0');
      if (absent.pop() !== '' || !absent.every((name) => names.includes(name)))
        throw unreadableOutput(script, 'it names a service that nobody asked for', stdout.toString('utf8'));
      return absent.map((name) => `service "${name}"`);
    },
  };
}

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
while [ -e "$2" ] && grep -qxF "run $3" "$2"; do
  read -r sp_now sp_idle < /proc/uptime
  [ "\${sp_now%%.*}" -lt "$4" ] || sp_service_thaw "$1"
  sleep 1
done`;

function stopService(
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
if [ -e "$file" ]; then
  # Of a run that is over, because the host was started anew, or because the service did not come back.
  other=$(sed -n 's/^run //p' "$file")
  [ -n "$other" ] && [ ! -d "/run/stillpoint/$other" ] && sp_service_thaw "$name"
  [ ! -e "$file" ] || { echo "another run has stopped it, or it did not come back; see $file" >&2; exit 86; }
fi
by=$(sp_service_by)
guard=$4
shift 4
for other in "$name" "$@"; do
  sp_service_is_there "$by" "$other" || { echo "there is no service \\"$other\\"" >&2; exit 87; }
done
unit=$name
if [ "$by" = systemd ]; then
  unit=$(sp_service_fact Id "$name")
  # What triggers it is stopped first, and could not be started beside a service that goes on.
  [ "$(sp_service_fact RefuseManualStop "$unit")" != yes ] || { echo "\\"$unit\\" cannot be stopped by hand (RefuseManualStop)" >&2; exit 91; }
fi
# A file, because systemd would put variables of its own into a command line.
mkdir -p "${STOPPED}" && printf '%s\\n' "$guard" > "$file.sh" && {
  echo "run $run"
  case $by in
    systemd) sp_service_closure "$unit" ;;
    openrc) sp_service_needing "$unit" ;;
    sysv) sp_service_runs "$unit" && echo "unit $unit" ;;
  esac
  :
} > "$file.new" && { sync "$file.new" 2>/dev/null || sync; } && mv -f "$file.new" "$file" || exit 85
sp_units=$(sed -n 's/^unit //p' "$file")
if [ "$by" = systemd ] && command -v systemd-run >/dev/null 2>&1; then
  set -- --unit="stillpoint-start-$run-$$" /bin/sh "$file.sh" "$name" "$file" "$run" "$due"
  systemd-run --quiet --collect "$@" </dev/null >&2 || systemd-run "$@" </dev/null >&2 || exit 88
else
  setsid /bin/sh "$file.sh" "$name" "$file" "$run" "$due" </dev/null >/dev/null 2>&1 &
fi
case $by in
  systemd)
    for trigger in $sp_units; do
      case $trigger in *.socket|*.timer|*.path) systemctl stop --no-ask-password -- "$trigger" </dev/null >&2 || exit 89 ;; esac
    done
    systemctl stop --no-ask-password -- "$unit" </dev/null >&2 || exit 89 ;;
  openrc) ! sp_service_runs "$unit" || rc-service "$unit" stop </dev/null >&2 || exit 89 ;;
  sysv) ! sp_service_runs "$unit" || service "$unit" stop </dev/null >&2 || exit 89 ;;
esac
for stopped in $sp_units $unit; do
  ! sp_service_runs "$stopped" || { echo "\\"$stopped\\" runs although it was stopped" >&2; exit 90; }
done
[ "$by" != systemd ] || for stopped in $sp_units $unit; do
  echo "since $stopped $(sp_service_fact InactiveEnterTimestampMonotonic "$stopped")"
done >> "$file"
[ -e "$file" ] || exit 75`,
    args: [name, run, String(deadlineSeconds), `${servicesOnHost.script}\n${GUARD}`, ...others],
    fields: 0,
    parse: () => undefined,
  };
}

/** It does not run, and has not run since it was stopped. */
function proveStopped(name: string): Fragment<void> {
  return {
    name: 'prove-stopped',
    script: `
file=${STOPPED}/$1
[ -r "$file" ] || exit 1
while read -r word unit since; do
  case $word in
    unit) ! sp_service_runs "$unit" || exit 1 ;;
    since) ! sp_service_runs "$unit" && [ "$(sp_service_fact InactiveEnterTimestampMonotonic "$unit")" = "$since" ] || exit 1 ;;
  esac
done < "$file"`,
    args: [name],
    fields: 0,
    parse: () => undefined,
  };
}
