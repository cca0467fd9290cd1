/** The client of Redis or Valkey on a host, as root of it. */
import type { RedisHold } from '../../domain/quiesce.ts';

/**
 * sp_redis SOCKET PORT PASSWORD-FILE COMMAND…: prints the answer. The password goes in by standard input, and is no argument of
 * anything.
 *
 * sp_redis_fact SOCKET PORT PASSWORD-FILE FIELD…: prints these fields of INFO, a line each, "field:value".
 *
 * sp_redis_way SOCKET PORT PASSWORD-FILE: prints its `RedisWay`.
 */
export const ASK = `
sp_redis() {
  sp_socket=$1 sp_port=$2 sp_secret=$3
  shift 3
  sp_cli=$(command -v redis-cli || command -v valkey-cli) || { echo 'there is neither "redis-cli" nor "valkey-cli" on it' >&2; return 127; }
  {
    # In hexadecimal digits, because its client has quotes of its own.
    [ -z "$sp_secret" ] || printf 'AUTH "%s"\\n' "$(head -n 1 "$sp_secret" | tr -d '\\n' | od -An -v -tx1 | tr -d ' \\n' | sed 's/../\\\\x&/g')"
    printf '%s\\n' "$*"
  } | if [ -n "$sp_socket" ]; then timeout 60 "$sp_cli" -s "$sp_socket"; else timeout 60 "$sp_cli" -h 127.0.0.1 -p "$sp_port"; fi |
    if [ -n "$sp_secret" ]; then sed '1{/^OK/d;}'; else cat; fi | tr -d '\\r'
}
sp_redis_fact() {
  sp_all=$(sp_redis "$1" "$2" "$3" INFO) || return 1
  shift 3
  for sp_field do printf '%s\\n' "$sp_all" | grep "^$sp_field:" || { printf '%s\\n' "$sp_all" | head -n 1 >&2; return 1; }; done
}
sp_redis_way() {
  sp_said=$(sp_redis_fact "$@" aof_enabled) || return 1
  [ "$sp_said" != aof_enabled:0 ] || { echo file; return 0; }
  sp_said=$(sp_redis "$@" CONFIG GET appendfsync; sp_redis "$@" CONFIG GET no-appendfsync-on-rewrite)
  case $(printf '%s' "$sp_said" | tr '\\n' ' ') in
    'appendfsync always no-appendfsync-on-rewrite no') echo log ;;
    'appendfsync '*' no-appendfsync-on-rewrite '*) echo held ;;
    *) printf '%s\\n' "$sp_said" >&2; return 1 ;;
  esac
}`;

/**
 * How what it has answered comes to be in its files. `file`: it has no log. `log`: everything is synchronised in its log before it is
 * answered. `held`: its log is synchronised later, so whoever writes has to wait.
 */
const WAYS = ['file', 'log', 'held'] as const;
export type RedisWay = (typeof WAYS)[number];
export const wayOf = (word: string | undefined): RedisWay | undefined => WAYS.find((way) => way === word);

export const argsOf = ({ socket = '', port = 6379, passwordFileOnHost = '' }: RedisHold): readonly string[] => [
  socket,
  String(port),
  passwordFileOnHost,
];

export const labelOf = ({ socket, port = 6379 }: RedisHold): string => {
  if (socket !== undefined) return `Redis at ${socket}`;
  return port === 6379 ? 'Redis' : `Redis at port ${port}`;
};
