/** The freeze and the proof of a hold that is a lock in a session with a server. See `on-host.ts`. */
import type { RunId } from '../../domain/names.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import type { HoldRecord } from '../hook.ts';
import { PROCESSES } from './on-host.ts';

export interface SessionTerms {
  /** A word, unique among the sessions of a run. */
  readonly name: string;
  readonly run: RunId;
  /**
   * sh that becomes the client (`exec`): it reads statements from its standard input, prints the answer of each at once,
   * and ends at the first one that fails. Its arguments are in "$@".
   */
  readonly client: string;
  readonly clientArgs: readonly string[];
  /** Takes the lock, once; its answers are not looked at. */
  readonly begin: readonly string[];
  /** Asked when the lock was taken and once more at the proof: the answers must be the same. */
  readonly same: readonly string[];
  /** Asked at the proof alone. */
  readonly last?: readonly string[];
  readonly end: readonly string[];
  /** A statement that answers with this word on a line of its own. */
  readonly mark: (word: string) => string;
  readonly deadlineSeconds: number;
  /** How long taking the lock may take. */
  readonly waitSeconds: number;
  /** Strict: of the answers to `same` and `last`; throws an `Error` that says what is odd. What it took is added. */
  readonly read: (lines: readonly string[]) => HoldRecord;
}

/** Programs on a host that a session needs beside its client. */
export const SESSION_PROGRAMS = { coreutils: 'mkdir mkfifo mv rm' };

export const sessionId = ({ run, name }: Pick<SessionTerms, 'run' | 'name'>): string => `${run}/${name}`;

/**
 * Keeps the client's input open until the deadline, or until it is told to end. In a session of its own, which no signal to
 * ours reaches. $1 folder, $2 uptime of the deadline, $3 the last statements, $4 the client, then the client's arguments.
 */
const KEEPER = `${PROCESSES}
sp_dir=$1 sp_due=$2 sp_end=$3 sp_become=$4
shift 4
trap '' PIPE HUP INT
sp_over=
trap 'sp_over=1' TERM
# Reading and writing, so that no opening waits for somebody at the other end.
exec 3<> "$sp_dir/in" 4<> "$sp_dir/out" || exit 1
( exec 3<&- 4<&-; trap - PIPE HUP INT TERM; exec /bin/sh -c "$sp_become" sh "$@" ) < "$sp_dir/in" > "$sp_dir/out" 2> "$sp_dir/err" &
sp_client=$!
# From here on its input ends with us.
exec 3> "$sp_dir/in"
sp_began $$ && sp_mine=$sp_start && sp_began "$sp_client" &&
  echo "$$ $sp_mine $sp_client $sp_start" > "$sp_dir/who.new" && mv "$sp_dir/who.new" "$sp_dir/who" || sp_over=1
while [ -z "$sp_over" ] && sp_began "$sp_client"; do
  read -r sp_up sp_idle < /proc/uptime
  [ "\${sp_up%%.*}" -lt "$sp_due" ] || break
  sleep 1 3>&- 4>&- &
  wait $!
done
printf '%s\\n' "$sp_end" >&3 2>/dev/null
exec 3>&-
sp_tries=0
while sp_began "$sp_client"; do
  sp_tries=$((sp_tries + 1))
  [ "$sp_tries" -lt 60 ] || kill -KILL "$sp_client" 2>/dev/null
  sp_pause
done
rm -rf -- "$sp_dir" "$sp_dir.gone"`;

/**
 * sp_ask FOLDER SECONDS MARK STATEMENTS: has the client run them, and prints the lines of its answer before the mark. Fails where
 * the client ends, or takes longer. Between which uptimes it was waited for is noted in FOLDER/asked.
 */
const ASK = `
sp_ask() {
  read -r sp_keeper sp_keeper_since sp_client sp_client_since < "$1/who" || return 1
  read -r sp_from sp_idle < /proc/uptime
  exec 3<> "$1/in" 4<> "$1/out"
  (
    exec 3<&-
    sp_tries=$(($2 * 5))
    while [ "$sp_tries" -gt 0 ] && sp_is_process "$sp_client" "$sp_client_since"; do
      sp_tries=$((sp_tries - 1))
      sleep 0.2 4<&- 2>/dev/null || sleep 1 4<&-
    done
    echo "$3 gone" >&4
  ) >/dev/null 2>&1 &
  sp_limit=$!
  printf '%s\\n' "$4" >&3
  while IFS= read -r sp_line <&4; do
    case $sp_line in
      "$3 gone") exec 3<&- 4<&-; return 1 ;;
      "$3") kill "$sp_limit" 2>/dev/null; exec 3<&- 4<&-; read -r sp_until sp_idle < /proc/uptime; echo "$sp_from $sp_until" >> "$1/asked"; return 0 ;;
    esac
    printf '%s\\n' "$sp_line"
  done
  return 1
}`;

export function beginSession(terms: SessionTerms): Fragment<void> {
  const { begin, same, mark, end, client, clientArgs, deadlineSeconds, waitSeconds } = terms;
  return {
    name: 'begin-session',
    script: `${PROCESSES}${ASK}
at=$1 due=$2 wait=$3 end=$4 mark_begun=$5 begin=$6 mark_held=$7 same=$8 keeper=$9
shift 9
mkdir "$at" && mkfifo "$at/in" "$at/out" || exit 86
read -r up idle < /proc/uptime
setsid /bin/sh -c "$keeper" sh "$at" "$((\${up%%.*} + due))" "$end" "$@" </dev/null >/dev/null 2>&1 &
tries=0
until [ -e "$at/who" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || { echo 'the client did not start' >&2; exit 85; }
  sp_pause
done
told() { head -c 2000 "$at/err" 2>/dev/null | tr -c '[:print:]\\n' '?' >&2; }
( sp_ask "$at" "$wait" "$mark_begun" "$begin" ) >/dev/null || { told; exit 84; }
( sp_ask "$at" 10 "$mark_held" "$same" ) > "$at/held" || { told; exit 83; }`,
    args: [
      ...[`${RUN_ROOT}/${sessionId(terms)}`, String(deadlineSeconds), String(waitSeconds), end.join('\n'), 'sp-begun'],
      ...[[...begin, mark('sp-begun')].join('\n'), 'sp-held', [...same, mark('sp-held')].join('\n')],
      ...[KEEPER, client, ...clientArgs],
    ],
    fields: 0,
    parse: () => undefined,
  };
}

export function proveSession(terms: SessionTerms): Fragment<HoldRecord> {
  const { same, last = [], mark, read } = terms;
  return {
    name: 'prove-session',
    script: `${PROCESSES}${ASK}
at=$1
now=$(sp_ask "$at" 10 "$2" "$3") || exit 1
[ "$now" = "$(cat "$at/held")" ] || { echo 'it is not the session with which the hold began, or something was changed in it' >&2; exit 1; }
[ -z "$5" ] || last=$(sp_ask "$at" 10 "$4" "$5") || exit 1
printf '%s\\n%s\\0%s\\0' "$now" "$last" "$(cat "$at/asked")"`,
    args: [
      ...[`${RUN_ROOT}/${sessionId(terms)}`, 'sp-same', [...same, mark('sp-same')].join('\n')],
      ...['sp-last', last.length === 0 ? '' : [...last, mark('sp-last')].join('\n')],
    ],
    fields: 2,
    parse: ([answer = '', asked = '']) => ({
      ...read(answer.split('\n').filter((line) => line !== '')),
      ...whatItTook(asked),
    }),
  };
}

/**
 * From when on the server may have held, by the host's uptime in seconds, and for how long it was waited for. Uptimes are of
 * hundredths.
 */
function whatItTook(asked: string): HoldRecord {
  const spans = asked.split('\n').map((line) => {
    const [, from, until] = /^(\d+\.\d\d) (\d+\.\d\d)$/.exec(line) ?? [];
    if (from === undefined || until === undefined) throw new Error('the times of the session are in another form');
    return [Number(from), Number(until)] as const;
  });
  const waited = spans.reduce((sum, [from, until]) => sum + until - from, 0);
  return { 'asked at uptime': (spans[0]?.[0] ?? 0).toFixed(2), 'answered within seconds': waited.toFixed(2) };
}
