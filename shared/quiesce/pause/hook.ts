/**
 * Processes that get no processor while the snapshots are made: those of containers (`docker pause`), or of a service of systemd
 * (`systemctl freeze`). Nothing is written between the instants, so they count as one. What a process had not written yet is
 * not in the files, so no more than that is claimed.
 *
 * Invariants. Only what runs is paused, and only what we paused goes on again. What is to go on lies on the host before it is
 * paused. The host's own file of a run is gone after a restart, and so is every pause. Who lets go renames that file first: a
 * pausing that is still going on finds that at its end, and what it paused since goes on, too.
 *
 * Crash story. Whoever dies: the watchman lets go at the deadline, and where he is gone too, the guard that the freeze left.
 */
import { type PauseHold, wantedOf } from '../../domain/quiesce.ts';
import { turnsOfService } from '../../domain/turn.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import { LET_GO_MEANWHILE, START_GUARD } from '../guard.ts';
import {
  type HoldFunctions,
  type HoldLook,
  type HoldRecord,
  type Hook,
  NOTHING_TO_SAY,
  type PlannedHold,
} from '../hook.ts';

const SECONDS = 60;

/**
 * sp_pause_docker ARGUMENT…: this host's own daemon.
 *
 * sp_pause_ids WHAT: the running containers that are meant, the youngest first: what others need is made before them.
 *
 * sp_pause_now: what Docker's own clock says, to the nanosecond. In whole seconds, what happened right before would count.
 *
 * sp_is_paused WORD ID, sp_unpause WORD ID: "container" or "unit". A container that is there no more, or does not run, is not paused.
 */
const WORDS = `
sp_pause_docker() { timeout 60 docker --host unix:///var/run/docker.sock "$@" </dev/null 2>/dev/null; }
sp_pause_now() { sp_pause_docker info -f '{{.SystemTime}}'; }
sp_pause_ids() {
  case $1 in
    container:*) sp_pause_docker container inspect -f '{{if .State.Running}}{{.Id}}{{end}}' "\${1#container:}" ;;
    *) sp_pause_docker ps -q --no-trunc --filter status=running --filter "label=com.docker.compose.project=\${1#compose:}" ;;
  esac
}
sp_is_paused() {
  case $1 in
    container) [ "$(sp_pause_docker container inspect -f '{{.State.Paused}}' "$2")" = true ] ;;
    unit) case $(systemctl show -p FreezerState -- "$2" 2>/dev/null </dev/null) in *=frozen|*=freezing) return 0 ;; *) return 1 ;; esac ;;
  esac
}
sp_unpause() {
  sp_is_paused "$1" "$2" || return 0
  case $1 in
    container) sp_pause_docker unpause "$2" >/dev/null ;;
    unit) systemctl thaw -- "$2" >/dev/null 2>&1 </dev/null ;;
  esac
  ! sp_is_paused "$1" "$2"
}`;

const pausesOnHost: HoldFunctions = {
  kind: 'pause',
  script: `${WORDS}
sp_pause_thaw() {
  sp_file=${RUN_ROOT}/$1
  mv -f "$sp_file" "$sp_file.after" 2>/dev/null
  [ -e "$sp_file.after" ] || return 0
  sp_stays=0
  # The last one that was paused goes on first: it is what the others need.
  while read -r sp_word sp_what; do
    [ -z "$sp_what" ] || sp_unpause "$sp_word" "$sp_what" || sp_stays=1
  done <<SP_PAUSED
$(sed '1!G;h;$!d' "$sp_file.after" 2>/dev/null)
SP_PAUSED
  [ "$sp_stays" = 0 ] || return 1
  rm -f -- "$sp_file.after" "$sp_file.sh"
}`,
};

export const pauses: Hook = {
  onHost: pausesOnHost,
  programs: { coreutils: 'mv rm' },
  look: (source) => {
    const wanted = wantedOf(source, 'pause');
    return wanted.length === 0 ? undefined : findRunning(wanted.map(({ spec }) => spec));
  },
  // Nothing is gained by it while files are read where they lie: they are no more than fuzzy.
  plan: (source, run, { look }) =>
    wantedOf(source, 'pause').map(({ spec, at }, index) => ({
      ...holdOf(spec, { id: `${run}/pause-${at}`, holds: 'until-snapshots', known: look.facts[`known-${index}`] }),
      at,
    })),
};

const labelOf = ({ what }: PauseHold): string => {
  if (what.startsWith('compose:')) return `the project of docker compose "${what.slice('compose:'.length)}"`;
  return what.startsWith('container:') ? `the container "${what.slice('container:'.length)}"` : `the service "${what}"`;
};

/** @param known see `turnsOfService` */
export function holdOf(
  hold: PauseHold,
  { id, holds, known = '' }: Pick<PlannedHold, 'id' | 'holds'> & { readonly known?: string | undefined },
): PlannedHold {
  const deadlineSeconds = hold.seconds ?? SECONDS;
  return {
    ...{ kind: pausesOnHost.kind, id, label: labelOf(hold), guarantees: 'still', holds, deadlineSeconds },
    turns: turnsOfService(hold.what, known, labelOf(hold)),
    freeze: pause(id, hold, deadlineSeconds),
    prove: provePaused(id),
  };
}

function findRunning(wanted: readonly PauseHold[]): RemoteCommand<HoldLook> {
  const script: RemoteScript = {
    name: 'find-running',
    script: `${WORDS}
for what do
  case $what in
    compose:*) [ -n "$(sp_pause_ids "$what")" ] && echo runs || echo absent ;;
    container:*)
      if [ -n "$(sp_pause_ids "$what")" ]; then
        echo "runs $(sp_pause_docker container inspect -f '{{index .Config.Labels "com.docker.compose.project"}}' "\${what#container:}" | head -n 1)"
      else echo absent; fi ;;
    *)
      if ! [ -d /run/systemd/system ] || [ "$(systemctl show -p CanFreeze -- "$what" 2>/dev/null)" != CanFreeze=yes ]; then echo unable
      elif [ "$(systemctl show -p ActiveState -- "$what" 2>/dev/null)" = ActiveState=active ]; then echo "runs $(systemctl show -p Id -- "$what" 2>/dev/null | sed -n '1s/^Id=//p')"
      else echo absent; fi ;;
  esac
done </dev/null`,
    args: wanted.map(({ what }) => what),
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 70_000 * wanted.length,
    repeatable: true,
    parse: ({ stdout }) => {
      const lines = stdout.toString('latin1').split('\n').slice(0, -1);
      const words = lines.map((line) => line.split(' ')[0]);
      if (words.length !== wanted.length || !lines.every((line) => /^(runs( \S*)?|absent|unable)$/.test(line)))
        throw unreadableOutput(script, 'it answers in another form', stdout.toString('latin1'));
      return {
        ...NOTHING_TO_SAY,
        lacks: wanted.flatMap((hold, index) => lackOf(hold, words[index] ?? '')),
        facts: Object.fromEntries(lines.map((line, index) => [`known-${index}`, line.split(' ')[1] ?? ''])),
      };
    },
  };
}

const lackOf = (hold: PauseHold, word: string) => {
  const label = labelOf(hold);
  if (word === 'absent')
    return [
      {
        message: `Nothing of ${label} runs, so nothing can be paused.`,
        advice: 'Start it, or take it out of "quiesce".',
      },
    ];
  if (word === 'unable')
    return [
      {
        message: `${label.charAt(0).toUpperCase()}${label.slice(1)} cannot be paused: that takes systemd 246 or newer and cgroups of version 2.`,
        advice: 'Have it stopped instead: "stop".',
      },
    ];
  return [];
};

function pause(id: string, { what }: PauseHold, deadlineSeconds: number): Fragment<void> {
  return {
    name: 'pause',
    script: `${WORDS}${START_GUARD}
file=${RUN_ROOT}/$1
read -r up idle < /proc/uptime
case $2 in
  compose:*|container:*) for each in $(sp_pause_ids "$2"); do sp_is_paused container "$each" || echo "container $each"; done ;;
  *) sp_is_paused unit "$2" || echo "unit $2" ;;
esac > "$file.new"
[ -s "$file.new" ] || { echo 'nothing of it runs' >&2; exit 84; }
paused=$(cat "$file.new")
mv "$file.new" "$file" || exit 86
gives_up() {
  if [ ! -e "$file" ]; then
    # Whoever let it go came before the last of it was paused.
    while read -r word each; do sp_unpause "$word" "$each" || printf '%s\\n' "$paused" > "$file"; done <<SP_PAUSED
$paused
SP_PAUSED
  fi
  exit "$1"
}
sp_guard_start "$file" "$((\${up%%.*} + $3))" "$4" "$1" || exit 88
while read -r word each; do
  case $word in
    container) timeout 60 docker --host unix:///var/run/docker.sock pause "$each" </dev/null >&2 || gives_up 89 ;;
    unit) systemctl freeze -- "$each" </dev/null >&2 || gives_up 89 ;;
  esac
done <<SP_PAUSED
$paused
SP_PAUSED
[ -e "$file" ] || { echo "${LET_GO_MEANWHILE}" >&2; gives_up 93; }
# What Docker says from here on of somebody who lets it go on.
case $2 in compose:*|container:*) sp_pause_now > "$file.since.new" ;; *) : > "$file.since.new" ;; esac`,
    args: [id, what, String(deadlineSeconds), `${pausesOnHost.script}\nsp_guarded() { sp_pause_thaw "$1"; }`],
    fields: 0,
    parse: () => undefined,
  };
}

/** All of it is paused, and has not gone on in between as far as its manager knows. */
function provePaused(id: string): Fragment<HoldRecord> {
  return {
    name: 'prove-paused',
    script: `${WORDS}
file=${RUN_ROOT}/$1
[ -e "$file" ] && [ -e "$file.since.new" ] || exit 1
read -r since < "$file.since.new"
while read -r word each; do
  sp_is_paused "$word" "$each" || exit 1
  [ "$word" = container ] || continue
  now=$(sp_pause_now) && [ -n "$since" ] && [ -n "$now" ] || exit 1
  went_on=$(sp_pause_docker events --since "$since" --until "$now" --filter "container=$each" --filter event=unpause --filter event=start --format x) || exit 1
  [ -z "$went_on" ] || exit 1
done < "$file"
[ -e "$file" ]`,
    args: [id],
    fields: 0,
    parse: () => ({}),
  };
}
