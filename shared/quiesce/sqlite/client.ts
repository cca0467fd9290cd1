/** SQLite's own program on a host, with the rights of the owner of the database. */

import type { SqliteHold } from '../../domain/quiesce.ts';
import { addressOf } from '../../domain/sqlite-address.ts';

/** Somebody's transaction is waited for so long. */
export const WAIT_SECONDS = 10;

/**
 * sh that becomes the program: $1 the file, $2 its address. As the owner of the file, also where the host knows nobody of that
 * number, as is common for what containers write: root would follow a link that somebody has put in its place, and the
 * programs that use the database could not open a log that root has made.
 */
export const BECOME_CLIENT = `
[ -f "$1" ] || { echo 'there is no such file' >&2; exit 125; }
command -v sqlite3 >/dev/null || { echo 'there is no "sqlite3" on it' >&2; exit 127; }
uid=$(stat -L -c %u -- "$1") && gid=$(stat -L -c %g -- "$1") && account=$(stat -L -c %U -- "$1") || exit 125
set -- sqlite3 -batch -bail -init /dev/null -cmd '.timeout ${WAIT_SECONDS * 1000}' "$2"
[ "$uid" != "$(id -u)" ] || exec "$@"
if setpriv --reuid="$uid" --regid="$gid" --clear-groups true 2>/dev/null; then
  groups=--clear-groups
  ! id -u "$account" >/dev/null 2>&1 || groups=--init-groups
  exec setpriv --reuid="$uid" --regid="$gid" "$groups" "$@"
fi
if command -v runuser >/dev/null; then exec runuser -u "$account" -- "$@"; fi
echo 'there is neither "setpriv" nor "runuser" on it' >&2
exit 127`;

export const clientArgs = ({ file }: SqliteHold): readonly string[] => [file, addressOf(file)];

export const labelOf = ({ file }: SqliteHold): string => `SQLite in "${file}"`;

/** A reading transaction: the second statement takes the lock. */
export const BEGIN: readonly string[] = ['PRAGMA query_only = 1;', 'BEGIN;', 'SELECT 1 FROM sqlite_master WHERE 0;'];
