/**
 * Turns: what only one run on a host may have at a time, by names that all clients give it alike.
 *
 * Invariants. A run takes all of its turns in one step or none of them, before anything is held or made; who looks and then
 * takes has the kernel's lock of the folder above all runs for that moment, which ends with the process that has it. So no
 * two have one turn, and no two wait for each other. A turn is a line in the folder of its run: it ends when it is left, at
 * its own time, or with the folder; and one of another boot of the host is none.
 *
 * Crash story. The section that took it is killed: it ends at the time at which the section would be over, because what is
 * held until the snapshots stand was let go by then. The client of a run that holds until the last read vanishes: its
 * lease ends, and its watchman removes the run. He is dead, too: where neither the lease nor a watchman lives, the turn
 * is none; what was stopped is started by the guard that the hook left. Who waits has nothing, and leaves nothing.
 */
import { displayText } from '../../base/bytes.ts';
import type { Turn, TurnTaken } from '../../domain/turn.ts';
import type { RemoteCommand, RemoteScript } from '../../remote/command.ts';
import { FieldReader } from '../../remote/fragment.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import { ALIVE, PLACE, WATCHED } from './run-folder.ts';

/** A turn in a section: until its end, or until the run lets go what it holds to the last read. */
export interface SectionTurn extends Turn {
  readonly lasts: 'section' | 'run';
}

/** Each once, and in one order for all. */
export function inOrderOfNames(turns: readonly SectionTurn[]): readonly SectionTurn[] {
  const byName = new Map<string, SectionTurn>();
  for (const turn of turns) {
    const known = byName.get(turn.name);
    if (known === undefined || turn.lasts === 'run')
      byName.set(turn.name, { ...turn, label: known?.label ?? turn.label });
  }
  return [...byName.values()].toSorted(({ name: left }, { name: right }) => (left < right ? -1 : 1));
}

export const wordsOfTurns = (turns: readonly SectionTurn[]): readonly string[] =>
  turns.map(({ lasts, name }) => `${lasts}:${name}`);

/**
 * sp_taken_by_other NAME…: whether another run than $run has one of these; leaves it, the run and the uptime of its begin in sp_taken.
 *
 * sp_tell_taken: prints that, for how long it has been so, and what that run calls itself.
 */
const FIND = `
sp_taken_by_other() {
  sp_wanted=" $* "
  read -r sp_now sp_idle < /proc/uptime
  read -r sp_boot < /proc/sys/kernel/random/boot_id
  sp_now=\${sp_now%%.*}
  for sp_file in ${RUN_ROOT}/*/turns; do
    sp_other=\${sp_file%/turns} sp_armed=
    sp_other=\${sp_other##*/}
    [ "$sp_other" != "$run" ] && [ -r "$sp_file" ] || continue
    [ ! -r "${RUN_ROOT}/$sp_other/boot" ] || read -r sp_armed < "${RUN_ROOT}/$sp_other/boot"
    [ "$sp_armed" = "$sp_boot" ] || continue
    while read -r sp_until sp_since sp_turn; do
      case $sp_wanted in *" $sp_turn "*) ;; *) continue ;; esac
      case $sp_until in
        -) sp_alive "$sp_other" || sp_watched "$sp_other" || continue ;;
        *) [ "$sp_now" -lt "$sp_until" ] 2>/dev/null || continue ;;
      esac
      sp_taken="$sp_turn $sp_other $sp_since"
      return 0
    done < "$sp_file"
  done
  return 1
}
sp_tell_taken() {
  set -- $sp_taken
  printf 'taken\\0%s\\0%s\\0%s\\0%s\\0' "$1" "$2" "$((sp_now - $3))" "$(head -c 100 "${RUN_ROOT}/$2/who" 2>/dev/null | tr -d '\\000\\n')"
}`;

/**
 * sp_take_turns SECONDS TURN…: takes all of them for the run, or ends the script with who has one of them. A TURN is
 * "section:NAME", which ends after so many seconds by itself, or "run:NAME". Exit 71 as of a part: it cannot be written.
 *
 * sp_beside NAME: whether another run that is on the host still has, or had, this turn.
 */
export const TAKE_TURNS = `${FIND}
sp_beside() {
  for sp_file in ${RUN_ROOT}/*/turns; do
    [ "$sp_file" != "$dir/turns" ] && [ -r "$sp_file" ] || continue
    while read -r sp_until sp_since sp_turn; do [ "$sp_turn" != "$1" ] || return 0; done < "$sp_file"
  done
  return 1
}
sp_take_turns() {
  sp_seconds=$1
  shift
  sp_goes_on "$run" || sp_failed 1 75
  (
    timeout 30 flock 9 || { printf 'taken\\0%s\\0\\0%s\\0\\0' "\${1#*:}" 0; exit 1; }
    sp_names=
    for sp_each do sp_names="$sp_names \${sp_each#*:}"; done
    if sp_taken_by_other $sp_names; then
      sp_tell_taken
      exit 1
    fi
    for sp_each do
      case $sp_each in run:*) sp_until=- ;; *) sp_until=$((sp_now + sp_seconds)) ;; esac
      echo "$sp_until $sp_now \${sp_each#*:}"
    done > "$dir/turns.new" && mv -f "$dir/turns.new" "$dir/turns" || exit 71
  ) 9< ${RUN_ROOT}
  case $? in 0) ;; 1) exit 0 ;; *) sp_failed 1 71 ;; esac
}`;

/** sp_leave_turns RUN all|section: leaves them; "section" those that do not last until the run lets go. */
export const LEAVE_TURNS = `
sp_leave_turns() {
  [ -r "${RUN_ROOT}/$1/turns" ] || return 0
  read -r sp_now sp_idle < /proc/uptime
  sp_now=\${sp_now%%.*}
  while read -r sp_until sp_since sp_turn; do
    case $2:$sp_until in
      section:-) ;;
      *:-) sp_until=$sp_now ;;
      *) [ "$sp_until" -lt "$sp_now" ] || sp_until=$sp_now ;;
    esac
    echo "$sp_until $sp_since $sp_turn"
  done < "${RUN_ROOT}/$1/turns" > "${RUN_ROOT}/$1/turns.new" && mv -f "${RUN_ROOT}/$1/turns.new" "${RUN_ROOT}/$1/turns"
}`;

/** Which of these another run has at this moment. Changes nothing. */
export function lookForTurns(turns: readonly SectionTurn[]): RemoteCommand<readonly TurnTaken[]> {
  const script: RemoteScript = {
    name: 'look-for-turns',
    script: `${PLACE}${ALIVE}${WATCHED}${FIND}
sp_place || exit 0
run=-
for each do ! sp_taken_by_other "$each" || sp_tell_taken; done
exit 0`,
    args: turns.map(({ name }) => name),
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: true,
    leavesNoProcess: true,
    parse: ({ stdout, stderr }) => {
      const reader = new FieldReader(stdout, stderr, script);
      const all: TurnTaken[] = [];
      for (let one = readOne(reader, turns); one !== undefined; one = readOne(reader, turns)) all.push(one);
      reader.end();
      return all;
    },
  };
}

/** What `sp_take_turns` said where another run has one; undefined where all were taken. */
export function readTaken(reader: FieldReader, turns: readonly SectionTurn[]): TurnTaken | undefined {
  const taken = readOne(reader, turns);
  if (taken !== undefined) reader.end();
  return taken;
}

function readOne(reader: FieldReader, turns: readonly SectionTurn[]): TurnTaken | undefined {
  if (!reader.skip('taken')) return undefined;
  const [name = '', run = '', seconds = '', by = ''] = reader.take(4);
  const turn = turns.find((each) => each.name === name);
  if (turn === undefined || !/^([0-9a-f]{8})?$/.test(run) || !/^\d+$/.test(seconds))
    throw reader.unreadable('a turn that is taken has another form');
  return { what: turn.label, run: run === '' ? undefined : run, by: displayText(by), heldMs: Number(seconds) * 1000 };
}
