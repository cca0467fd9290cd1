/**
 * Left running on the host by a freeze whose hold does not end by itself: it lets go when the deadline has come and nobody
 * else has. The file of the hold is there as long as something is held, also as <file>.after, and the guard ends with it.
 */

/**
 * sp_guard_start FILE UPTIME SCRIPT ARGUMENT…: keeps SCRIPT, which defines `sp_guarded`, in FILE.sh, and runs `sp_guarded ARGUMENT…`
 * once a second from that uptime on, until FILE is gone. In a unit of its own where systemd runs the host, since systemd may
 * end what an account leaves behind; in a session of its own elsewhere.
 */
export const START_GUARD = `
sp_guard_start() {
  sp_file=$1 sp_due=$2
  printf '%s\\n' "$3" 'file=$1 due=$2
shift 2
while [ -e "$file" ] || [ -e "$file.after" ]; do
  read -r now idle < /proc/uptime
  [ "\${now%%.*}" -lt "$due" ] || sp_guarded "$@"
  sleep 1
done' > "$sp_file.sh" || return 1
  shift 3
  set -- /bin/sh "$sp_file.sh" "$sp_file" "$sp_due" "$@"
  if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
    sp_unit=stillpoint-guard-$(tr -dc a-f0-9 < /proc/sys/kernel/random/uuid)
    systemd-run --quiet --collect --unit="$sp_unit" "$@" </dev/null >&2 || systemd-run --unit="$sp_unit" "$@" </dev/null >&2
  else
    setsid "$@" </dev/null >/dev/null 2>&1 &
  fi
}`;

/** Said where the deadline came before the freeze had ended. */
export const LET_GO_MEANWHILE = 'it took longer than it may be held, and was let go meanwhile';
