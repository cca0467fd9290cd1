/**
 * Redis that synchronises its log later than it answers (appendfsync "everysec" and "no"). It may keep what it has answered from its
 * log for two seconds. And a copy of a log that is appended to meanwhile need not be one of an instant: where nobody has
 * synchronised it, a snapshot of Btrfs may have its length without its end, in which there are zeros then, and Redis does
 * not start on that. So whoever writes waits while the snapshots are made, and what was answered before is written first.
 *
 * Crash story. The server itself lets go at the deadline, whoever has died, and when it ends. Letting go before takes
 * what lies in the file of the hold: how the server is reached.
 */
import type { RedisHold } from '../../domain/quiesce.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import { LET_GO_MEANWHILE } from '../guard.ts';
import type { HoldFunctions, HoldRecord } from '../hook.ts';
import { ASK, argsOf } from './client.ts';

/** The file of a hold has a line each: the socket, the port, the file with the password, the uptime of the deadline. */
export const redisOnHost: HoldFunctions = {
  kind: 'redis',
  script: `${ASK}
sp_redis_thaw() {
  sp_file=${RUN_ROOT}/$1
  # Who is only about to hold finds at its end that it was let go.
  mv -f "$sp_file" "$sp_file.after" 2>/dev/null
  [ -e "$sp_file.after" ] || return 0
  { IFS= read -r sp_at_socket && IFS= read -r sp_at_port && IFS= read -r sp_at_secret && IFS= read -r sp_at_due; } < "$sp_file.after" || return 1
  case $(sp_redis "$sp_at_socket" "$sp_at_port" "$sp_at_secret" CLIENT UNPAUSE 2>&1 </dev/null) in
    # One that is gone holds nobody.
    OK|*'Could not connect'*) ;;
    *)
      read -r sp_up sp_idle < /proc/uptime
      [ "\${sp_up%%.*}" -gt "$sp_at_due" ] || return 1 ;;
  esac
  rm -f -- "$sp_file.after"
}`,
};

/**
 * sp_redis_counts SOCKET PORT PASSWORD-FILE: two lines, of which one stays the same as long as nobody writes: the other may change
 * with what the server does by itself.
 */
const COUNTS = `
sp_redis_counts() {
  sp_redis_fact "$@" rdb_changes_since_last_save rdb_last_save_time aof_current_size aof_base_size |
    { IFS= read -r sp_a; IFS= read -r sp_b; IFS= read -r sp_c; IFS= read -r sp_d && printf '%s %s\\n%s %s\\n' "$sp_a" "$sp_b" "$sp_c" "$sp_d"; }
}`;

/** From its log being written to the end of the wait. */
const FLUSH_TRIES = 100;

export function haveWritersWait(id: string, hold: RedisHold, deadlineSeconds: number): Fragment<void> {
  return {
    name: 'have-writers-wait',
    script: `${ASK}${COUNTS}
file=${RUN_ROOT}/$1 limit=$2
shift 2
facts=$(sp_redis_fact "$@" run_id aof_enabled) || exit 84
case $facts in *aof_enabled:1) ;; *) echo 'it keeps what it has in another way than when the plan was made' >&2; exit 87 ;; esac
read -r up idle < /proc/uptime
printf '%s\\n' "$1" "$2" "$3" "$((\${up%%.*} + limit + 1))" > "$file.new" && mv "$file.new" "$file" || exit 86
gives_up() {
  code=$1
  shift
  [ -e "$file" ] || sp_redis "$@" CLIENT UNPAUSE >/dev/null 2>&1 </dev/null
  exit "$code"
}
said=$(sp_redis "$@" CLIENT PAUSE "$((limit * 1000))" WRITE 2>&1)
[ "$said" = OK ] || { printf '%s\\n' "$said" >&2; gives_up 85 "$@"; }
# What it has answered and not written yet.
tries=0
until [ "$(sp_redis_fact "$@" aof_buffer_length)" = aof_buffer_length:0 ]; do
  tries=$((tries + 1))
  [ "$tries" -lt ${FLUSH_TRIES} ] || { echo 'it does not write its log out' >&2; gives_up 82 "$@"; }
  sleep 0.1 2>/dev/null || sleep 1
done
counts=$(sp_redis_counts "$@") || gives_up 84 "$@"
printf '%s\\n' "$facts" > "$file.facts.new" && printf '%s\\n' "$counts" > "$file.counts.new" || gives_up 86 "$@"
[ -e "$file" ] || { echo "${LET_GO_MEANWHILE}" >&2; gives_up 93 "$@"; }`,
    args: [id, String(deadlineSeconds), ...argsOf(hold)],
    fields: 0,
    parse: () => undefined,
  };
}

/** It is the same server, nobody has written, and its log had all of it. */
export function proveHeld(id: string, hold: RedisHold): Fragment<HoldRecord> {
  return {
    name: 'prove-held',
    script: `${ASK}${COUNTS}
file=${RUN_ROOT}/$1
shift
[ "$(sp_redis_fact "$@" run_id aof_enabled)" = "$(cat "$file.facts.new")" ] || exit 1
counts=$(sp_redis_counts "$@") || exit 1
{ IFS= read -r writes; IFS= read -r size; } < "$file.counts.new"
case $counts in "$writes
"*|*"
$size") ;; *) echo 'somebody has written' >&2; exit 1 ;; esac
said=$(sp_redis_fact "$@" redis_version aof_last_write_status) || exit 1
case $said in *aof_last_write_status:ok) ;; *) exit 1 ;; esac
printf '%s\\0' "$said"`,
    args: [id, ...argsOf(hold)],
    fields: 1,
    parse: ([said = '']) => {
      const [, version] = /^redis_version:(\d\S*)\n/.exec(said) ?? [];
      if (version === undefined) throw new Error('the server describes itself in another form');
      return { server: `Redis ${version}`, 'kept in': 'its append-only file' };
    },
  };
}
