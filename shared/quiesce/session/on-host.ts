/**
 * A client's session with a server that is kept open on the host, with a lock that ends with it.
 *
 * Invariants. A lock of ours belongs to one connection of one client, and every way that this ends lets go: the client ends
 * when its standard input does, which the keeper holds open; the keeper closes it at the deadline, or when it is told to,
 * or when it dies; and the server itself closes a connection that was idle past the deadline. Answers are read
 * through a pipe, with a limit in time, and only up to a mark that we asked for.
 *
 * Crash story. Keeper killed: the client reads the end of its input, and ends. Client killed or stopped: the server sees the
 * connection go, or idle. All of us gone: the server's own limit. The server dies: nothing is held, and the proof fails.
 *
 * The folder of a session, /run/stillpoint/<run>/<name>/: `in` and `out`, pipes to and from the client; `err`, what it
 * complains of; `who`, "<pid> <start> <pid> <start>" of keeper and client; `held`, the answer with which the hold began; `asked`,
 * "<uptime> <uptime>" a line, between which the client was waited for. The one who ends it renames the folder first, to <name>.gone:
 * so a keeper that was about to begin finds that it must not.
 */
import { RUN_ROOT } from '../../remote/run-root.ts';
import type { HoldFunctions } from '../hook.ts';

/**
 * sp_began PID: leaves in sp_start when the process began, in ticks since the host did; fails where it has ended.
 *
 * sp_is_process PID START: whether it is still the same one.
 *
 * sp_pause: a twentieth of a second, or a second where the host's sleep knows no less.
 */
export const PROCESSES = `
sp_began() {
  sp_start=
  sp_stat=
  { read -r sp_stat < "/proc/$1/stat"; } 2>/dev/null || return 1
  set -- \${sp_stat##*) }
  case $1 in Z|X) return 1 ;; esac
  sp_start=\${20}
}
sp_is_process() { [ -n "$1" ] && sp_began "$1" && [ "$sp_start" = "$2" ]; }
sp_pause() { sleep 0.05 2>/dev/null || sleep 1; }`;

const THAW = `
sp_session_thaw() {
  sp_at=${RUN_ROOT}/$1
  [ -d "$sp_at.gone" ] || mv "$sp_at" "$sp_at.gone" 2>/dev/null
  [ -d "$sp_at.gone" ] || return 0
  sp_keeper= sp_client=
  [ ! -r "$sp_at.gone/who" ] || read -r sp_keeper sp_keeper_since sp_client sp_client_since < "$sp_at.gone/who"
  ! sp_is_process "$sp_keeper" "$sp_keeper_since" || kill -TERM "$sp_keeper"
  sp_tries=0
  while sp_is_process "$sp_client" "$sp_client_since"; do
    sp_tries=$((sp_tries + 1))
    # The keeper gives it three seconds. One that is gone gives none.
    [ "$sp_tries" -lt 80 ] && sp_is_process "$sp_keeper" "$sp_keeper_since" || kill -KILL "$sp_client" 2>/dev/null
    [ "$sp_tries" -lt 100 ] || return 1
    sp_pause
  done
  ! sp_is_process "$sp_keeper" "$sp_keeper_since" || kill -KILL "$sp_keeper" 2>/dev/null
  rm -rf -- "$sp_at.gone"
  [ ! -e "$sp_at.gone" ]
}`;

export const sessionsOnHost: HoldFunctions = { kind: 'session', script: `${PROCESSES}${THAW}` };
