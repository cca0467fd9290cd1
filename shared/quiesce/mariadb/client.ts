/** The client of MariaDB or MySQL on a host. */
import type { MariadbHold } from '../../domain/quiesce.ts';

/**
 * sh that becomes the client: $1 an option file or "", $2 a socket or "". What the host's own option files say of how answers
 * look is taken back; whom they log in as is what they are there for.
 */
export const BECOME_CLIENT = `
HOME=$(sed -n 's/^[^:]*:[^:]*:0:[^:]*:[^:]*:\\([^:]*\\):.*/\\1/p' /etc/passwd | head -n 1)
export HOME
client=$(command -v mariadb || command -v mysql) || { echo 'there is neither "mariadb" nor "mysql" on it' >&2; exit 127; }
file=$1 socket=$2
set --
[ -z "$file" ] || set -- --defaults-extra-file="$file"
set -- "$@" --batch --raw --skip-column-names --unbuffered --skip-auto-rehash --skip-reconnect --connect-timeout=10
for each in force html xml vertical table show-warnings tee; do set -- "$@" "--loose-skip-$each"; done
set -- "$@" --default-character-set=binary
[ -z "$socket" ] || set -- "$@" --protocol=socket --socket="$socket"
exec "$client" "$@"`;

export const clientArgs = ({ optionFile = '', socket = '' }: MariadbHold): readonly string[] => [optionFile, socket];

/** As people know it. */
export const labelOf = ({ of, socket }: MariadbHold): string =>
  `${of === 'mariadb' ? 'MariaDB' : 'MySQL'}${socket === undefined ? '' : ` at ${socket}`}`;
