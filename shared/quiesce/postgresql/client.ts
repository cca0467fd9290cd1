/** The client of PostgreSQL on a host, as the account that owns the server unless another one is named. */
import type { PostgresqlHold } from '../../domain/quiesce.ts';

/**
 * sh that becomes the client: $1 the folder of the socket or "", $2 the port, $3 the account of the host or "". Nobody is asked
 * for a password: the server lets in by the socket whom it knows by the host's account ("peer"), or by that account's
 * password file.
 */
export const BECOME_CLIENT = `
folder=$1 port=$2 account=$3
if [ -z "$folder" ]; then
  for folder in /run/postgresql /var/run/postgresql /tmp; do [ ! -S "$folder/.s.PGSQL.$port" ] || break; done
fi
[ -S "$folder/.s.PGSQL.$port" ] || { echo "there is no server at the socket \\"$folder/.s.PGSQL.$port\\"" >&2; exit 125; }
[ -n "$account" ] || account=$(stat -c %U "$folder/.s.PGSQL.$port") || exit 125
command -v psql >/dev/null || { echo 'there is no "psql" on it' >&2; exit 127; }
set -- psql --no-psqlrc --quiet --no-align --tuples-only --no-password --set=ON_ERROR_STOP=1 --host="$folder" --port="$port" --dbname=postgres
if command -v runuser >/dev/null; then exec runuser -u "$account" -- "$@"; fi
if command -v setpriv >/dev/null; then exec setpriv --reuid "$account" --regid "$(id -g "$account")" --init-groups "$@"; fi
echo 'there is neither "runuser" nor "setpriv" on it' >&2
exit 127`;

export const clientArgs = ({ socket = '', port = 5432, hostUser = '' }: PostgresqlHold): readonly string[] => [
  socket,
  String(port),
  hostUser,
];

export const labelOf = ({ port = 5432 }: PostgresqlHold): string =>
  port === 5432 ? 'PostgreSQL' : `PostgreSQL at port ${port}`;

/** As that place of it is called. */
export const logOf = (label: string): string => `the log of ${label}`;
