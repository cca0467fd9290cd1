/**
 * What dumps have in common on the host, in POSIX sh: whose rights a program has, where it finds its own files, and that it
 * ends when we do.
 */
import { LACKS } from './dump.ts';

/**
 * sp_lacks PROGRAM: ends the script, because it is not there. sp_first PROGRAM…: prints the first one that is there.
 *
 * sp_as USER PROGRAM…: makes way for the program, with the rights of this user, "-" for our own, and with that user's home as
 * its HOME, because programs look there for their files; nothing else of the environment of the host reaches them. None of
 * the ways asks anything or opens a session, but for su(1), which is the last.
 */
const USERS = `
sp_lacks() { echo "$1" >&2; exit ${LACKS}; }
sp_first() {
  for sp_one do
    ! command -v "$sp_one" >/dev/null 2>&1 || { echo "$sp_one"; return 0; }
  done
  return 1
}
sp_as() {
  sp_user=$1
  shift
  [ "$sp_user" != - ] || sp_user=$(id -un)
  if ! id -u "$sp_user" >/dev/null 2>&1; then echo "there is no user $sp_user" >&2; exit 1; fi
  HOME=$(eval "echo ~$(printf %s "$sp_user" | tr -cd 'A-Za-z0-9_.-')")
  export HOME
  if [ "$(id -u)" = "$(id -u "$sp_user")" ]; then exec $sp_first_of_all "$@"
  # Another one than that of util-linux knows no users.
  elif setpriv --version >/dev/null 2>&1; then
    exec $sp_first_of_all setpriv "--reuid=$(id -u "$sp_user")" "--regid=$(id -g "$sp_user")" --init-groups "$@"
  elif command -v runuser >/dev/null 2>&1; then exec $sp_first_of_all runuser -u "$sp_user" -- "$@"
  else exec $sp_first_of_all su -s /bin/sh -c 'exec "$@"' "$sp_user" sh "$@"; fi
}`;

/**
 * sp_dump SECONDS USER PROGRAM…: runs it with its output as that of the script, and ends the script with its exit code. It
 * has a session of its own, so that all of what it starts can be ended: when standard input ends, because we are gone or
 * have given up, and when nothing came there for so many seconds.
 */
const GUARDED = `
sp_dump() {
  sp_limit=$1
  shift
  exec 3<&0
  (
    exec 3<&- </dev/null
    sp_first_of_all=$(sp_first setsid)
    sp_as "$@"
  ) &
  sp_program=$!
  (
    exec >/dev/null 2>&1
    while [ "$(timeout "$sp_limit" dd bs=1 count=1 <&3)" = . ]; do :; done
    kill -TERM "-$sp_program" || kill -TERM "$sp_program"
    sleep 5
    kill -KILL "-$sp_program" || kill -KILL "$sp_program"
  ) &
  sp_guard=$!
  exec 3<&-
  wait "$sp_program"
  sp_code=$?
  # Whatever it has left behind would write into what we read next.
  kill -KILL "$sp_guard" "-$sp_program" 2>/dev/null
  exit "$sp_code"
}`;

export const ON_HOST = `${USERS}${GUARDED}`;

/** How often we are heard of, as a byte on standard input. */
export const SIGN_OF_LIFE = Buffer.from('.');
