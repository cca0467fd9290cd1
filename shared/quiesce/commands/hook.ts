/**
 * What the person's own programs do: one before the snapshots are made, one afterwards, and one that tells whether the
 * application stands still.
 *
 * Invariants. What is to run afterwards lies on the host before the first one begins, and runs whatever happens: after the
 * snapshots, at the deadline, in a release, in a sweep, and also where the first one failed. It may run more than once, which is
 * said where it is configured. Each has a limit in time. Without a check nothing is claimed of what they did.
 */
import { type CommandsHold, wantedOf } from '../../domain/quiesce.ts';
import { turnOf } from '../../domain/turn.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { quoteArg } from '../../remote/quoting.ts';
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
 * The file of a hold, /run/stillpoint/<run>/<name>, is sh that runs what is to run afterwards; from then on it is called <name>.after, until
 * it has succeeded. Where that was before the first program had ended, it runs once more.
 */
const commandsOnHost: HoldFunctions = {
  kind: 'commands',
  script: `
sp_commands_thaw() {
  sp_file=${RUN_ROOT}/$1
  mv -f "$sp_file" "$sp_file.after" 2>/dev/null
  [ -e "$sp_file.after" ] || return 0
  timeout -k 5 60 /bin/sh "$sp_file.after" </dev/null >/dev/null 2>&1 || return 1
  rm -f -- "$sp_file.after" "$sp_file.sh"
}`,
};

export const commands: Hook = {
  onHost: commandsOnHost,
  programs: { coreutils: 'mkdir mv rm timeout' },
  look: (source) => {
    const wanted = wantedOf(source, 'commands');
    return wanted.length === 0 ? undefined : findPrograms(wanted.map(({ spec }) => spec));
  },
  plan: (source, run) =>
    wantedOf(source, 'commands').map(({ spec, at }) => ({
      ...holdOf(spec, { id: `${run}/commands-${at}`, holds: 'until-snapshots' }),
      at,
    })),
};

/** Whether what they name is there; what it does is the person's. */
function findPrograms(wanted: readonly CommandsHold[]): RemoteCommand<HoldLook> {
  const programs = [
    ...new Set(
      wanted.flatMap(({ before, after, check = [] }) => [before, after, check].flatMap(([first]) => first ?? [])),
    ),
  ];
  const script: RemoteScript = {
    name: 'find-programs',
    script: `for each do command -v "$each" >/dev/null 2>&1 || printf '%s\\0' "$each"; done`,
    args: programs,
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const absent = stdout.toString('utf8').split('\0');
      if (absent.pop() !== '' || !absent.every((name) => programs.includes(name)))
        throw unreadableOutput(script, 'it names a program that nobody asked for', stdout.toString('utf8'));
      const lacks = absent.map((name) => ({
        message: `There is no program ${JSON.stringify(name)} that could be run.`,
        advice: 'Correct "before", "after" or "check" of the source; a path begins with "/".',
      }));
      return { ...NOTHING_TO_SAY, lacks };
    },
  };
}

export function holdOf(
  { name, before, after, check, seconds = SECONDS }: CommandsHold,
  { id, holds }: Pick<PlannedHold, 'id' | 'holds'>,
): PlannedHold {
  return {
    ...{ kind: commandsOnHost.kind, id, label: `"${name}"`, holds, deadlineSeconds: seconds },
    // The program is what two would meet in; by what name each of them calls it in his configuration is his own affair.
    turns: [turnOf('commands', before[0] ?? name, `"${name}"`)],
    guarantees: check === undefined ? 'nothing' : 'application',
    freeze: runBefore(id, { before, after, check, seconds }),
    prove: runCheck(id, check),
  };
}

const lineOf = (words: readonly string[]): string => words.map((word) => quoteArg(word).toString('utf8')).join(' ');

function runBefore(
  id: string,
  { before, after, check, seconds }: Pick<CommandsHold, 'before' | 'after' | 'check'> & { readonly seconds: number },
): Fragment<void> {
  return {
    name: 'run-before',
    script: `${START_GUARD}
file=${RUN_ROOT}/$1
read -r up idle < /proc/uptime
printf 'exec %s\\n' "$4" > "$file.new" && mv "$file.new" "$file" || exit 86
sp_guard_start "$file" "$((\${up%%.*} + $2))" "$5" "$1" || exit 88
after=$4
ended() {
  [ -e "$file" ] || { printf 'exec %s\\n' "$after" > "$file.new" && mv "$file.new" "$file"; } || timeout -k 5 60 /bin/sh -c "exec $after" </dev/null
  exit "$1"
}
timeout -k 5 "$2" /bin/sh -c "exec $3" </dev/null || { code=$?; echo "it ended with the exit code $code" >&2; ended 84; }
[ -z "$6" ] || timeout -k 5 20 /bin/sh -c "exec $6" </dev/null || { echo 'the check says that it does not stand still' >&2; ended 83; }
[ -e "$file" ] || { echo "${LET_GO_MEANWHILE}" >&2; ended 93; }`,
    args: [
      ...[id, String(seconds), lineOf(before), lineOf(after)],
      ...[
        `${commandsOnHost.script}\nsp_guarded() { sp_commands_thaw "$1"; }`,
        check === undefined ? '' : lineOf(check),
      ],
    ],
    fields: 0,
    parse: () => undefined,
  };
}

/** What is to run afterwards has not run yet, and the check still succeeds. */
function runCheck(id: string, check: readonly string[] | undefined): Fragment<HoldRecord> {
  return {
    name: 'run-check',
    script: `
file=${RUN_ROOT}/$1
[ -e "$file" ] || exit 1
[ -z "$2" ] || timeout -k 5 20 /bin/sh -c "exec $2" </dev/null >/dev/null 2>&1 || exit 1
[ -e "$file" ]`,
    args: [id, check === undefined ? '' : lineOf(check)],
    fields: 0,
    parse: () => ({}),
  };
}
