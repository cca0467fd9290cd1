/**
 * PostgreSQL: each database in the custom format, of one moment each, with roles and tablespaces beside them; or the files of
 * the whole server with the log that makes them one moment, as a tar. As the system user of the server, whom its socket
 * belongs to: it is the one account that every server knows by its socket.
 */
import type { PostgresqlDump } from '../domain/dump.ts';
import { typedWord } from '../remote/quoting.ts';
import { ANY_END, type Dumper, type DumpPlan, endsWithLine, type PlannedDump, Refusal } from './dump.ts';

const PORT = 5432;

/** sp_server FOLDER PORT: sets $folder and $owner of the socket, or says that there is none. */
const SERVER = `
sp_server() {
  owner=
  for folder in \${1:-/run/postgresql /var/run/postgresql /tmp}; do
    [ ! -S "$folder/.s.PGSQL.$2" ] || { owner=$(stat -c %U "$folder/.s.PGSQL.$2") && break; }
  done
  [ -n "$owner" ] || { echo "no server has a socket .s.PGSQL.$2 in \${1:-/run/postgresql or /tmp}" >&2; exit 1; }
}`;

/** sp_ask DATABASE QUESTION: a row a line. No startup file of anybody has a say. */
const ASK = `${SERVER}
sp_ask() ( sp_as "$owner" timeout 50 psql -X -A -t -q -w -v ON_ERROR_STOP=1 -F ' ' -h "$folder" -p "$port" \${role:+-U "$role"} -d "$1" -c "$2" )`;

/** The role that may read everything is there from version 14 on. */
const ABOUT = `SELECT 'role', rolsuper::text, (rolsuper OR rolreplication)::text,
(rolsuper OR EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = 'pg_read_all_data' AND pg_has_role(current_user, r.oid, 'USAGE')))::text
FROM pg_roles WHERE rolname = current_user`;
const BASES = `SELECT 'base', encode(convert_to(datname, 'UTF8'), 'hex'), datallowconn::text FROM pg_database WHERE NOT datistemplate ORDER BY datname`;
const SPACES = `SELECT 'space', encode(convert_to(spcname, 'UTF8'), 'hex') FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')`;

/** What cannot be read in a database, the first few; of a superuser nothing. */
const CLOSED = `SELECT 'closed', encode(convert_to(current_database(), 'UTF8'), 'hex'), encode(convert_to(n.nspname || '.' || c.relname, 'UTF8'), 'hex')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) LIMIT 6`;

/** Only names that were asked for are connected to, in the order of the server. */
const LOOK_DATABASES = `${ASK}
socket=$1 port=$2 role=$3
shift 3
for program in psql pg_dump pg_dumpall; do command -v "$program" >/dev/null 2>&1 || sp_lacks "$program"; done
sp_server "$socket" "$port"
main=postgres
sp_ask postgres 'SELECT 1' >/dev/null 2>&1 || main=template1
about=$(sp_ask "$main" "${ABOUT}") || exit 1
bases=$(sp_ask "$main" "${BASES}") || exit 1
closed=
for name do
  row=$(sp_ask "$name" "${CLOSED}") || exit 1
  closed="$closed$row
"
done
printf '%s\\0%s\\0%s\\0%s\\0' "$folder" "$owner" "$about
$bases" "$closed"`;

/** Whether it lets itself be copied is tried: what pg_hba.conf says can be seen in no other way. */
const LOOK_BASE = `${ASK}
socket=$1 port=$2 role=$3
for program in psql pg_basebackup; do command -v "$program" >/dev/null 2>&1 || sp_lacks "$program"; done
sp_server "$socket" "$port"
main=postgres
sp_ask postgres 'SELECT 1' >/dev/null 2>&1 || main=template1
about=$(sp_ask "$main" "${ABOUT}") || exit 1
spaces=$(sp_ask "$main" "${SPACES}") || exit 1
sp_ask 'replication=true' IDENTIFY_SYSTEM >/dev/null || exit 1
printf '%s\\0%s\\0%s\\0%s\\0' "$folder" "$owner" "$about
$spaces" ""`;

const DUMP = `
limit=$1 owner=$2
shift 2
sp_dump "$limit" "$owner" "$@"`;

const GLOBALS_END = endsWithLine(
  /^-- PostgreSQL database cluster dump complete$/,
  'a line "-- PostgreSQL database cluster dump complete"',
);

export const postgresql: Dumper<PostgresqlDump> = {
  label: ({ port = PORT }) => `PostgreSQL at port ${port}`,
  leastRights:
    'It needs a role that may read all of it ("GRANT pg_read_all_data TO …", from version 14 on; only a superuser has the passwords of roles), or for "base-backup" the attribute REPLICATION and a line for "replication" in pg_hba.conf. The system user of the server has all of it where pg_hba.conf has "local all all peer", as it is when it is installed.',
  down: {
    words:
      /^no server has a socket |Connection refused|Is the server running|the database system is (?:starting up|shutting down)/m,
    advice:
      'Start the server, or correct "port" and "socket" of the dump, which is the folder of its socket: "ss -lx | grep PGSQL" on the host lists the sockets of those that run.',
  },
  look: ({ socket = '', port = PORT, role = '', how, databases = [] }) => ({
    script: how === 'base-backup' ? LOOK_BASE : LOOK_DATABASES,
    args: [socket, String(port), role, ...databases.map(conninfo)],
  }),
  plan(wish, fields) {
    const [folder = '', owner = '', rows = '', closed = ''] = fields;
    if (fields.length !== 4 || !folder.startsWith('/')) throw new Error('it has another number of fields');
    const { port = PORT, role } = wish;
    const login = ['-h', folder, '-p', String(port), ...(role === undefined ? [] : ['-U', role]), '-w'];
    const seen = readRows(rows, closed);
    return wish.how === 'base-backup'
      ? planBase(wish, { owner, login }, seen)
      : planDatabases(wish, { owner, login }, seen);
  },
};

interface Login {
  readonly owner: string;
  readonly login: readonly string[];
}

function planDatabases(wish: PostgresqlDump, account: Login, { bases, closed, isSuper, readsAll }: Seen): DumpPlan {
  const open = bases.filter(({ isOpen }) => isOpen).map(({ name }) => name);
  const databases = wish.databases ?? open;
  const absent = databases.filter((name) => !open.includes(name));
  if (absent.length > 0)
    throw new Refusal(
      `there is no database ${absent.map((name) => `"${name}"`).join(', ')} to connect to`,
      'Correct "databases" of the dump.',
    );
  if (wish.databases === undefined && !readsAll)
    throw new Refusal(
      'the role may not read all of it',
      `${postgresql.leastRights} Or name the databases in "databases" of the dump.`,
    );
  if (closed.length > 0)
    throw new Refusal(`the role may not read ${closed.slice(0, 5).join(', ')}`, postgresql.leastRights);
  const { name: top = 'postgresql' } = wish;
  const passwords = isSuper ? [] : ['--no-role-passwords'];
  const globals = planned(wish, account, {
    ...{ name: `${top}/globals.sql`, what: 'the roles', end: GLOBALS_END },
    words: ['pg_dumpall', ...account.login, '--globals-only', ...passwords],
  });
  const dumps = databases.map((database) =>
    planned(wish, account, {
      ...{ name: `${top}/${fileName(database)}.dump`, what: `the database "${database}"`, end: ANY_END },
      // Compressed by itself, a page that changed would change all that follows it; the repository compresses.
      words: [
        'pg_dump',
        ...account.login,
        '--format=custom',
        '--compress=0',
        '--lock-wait-timeout=600000',
        `--dbname=${conninfo(database)}`,
      ],
    }),
  );
  const label = postgresql.label(wish);
  const shut = bases.filter(({ isOpen }) => !isOpen).map(({ name }) => `"${name}"`);
  return {
    dumps: [globals, ...dumps],
    notes: [
      ...(isSuper
        ? []
        : [`The dump of the roles of ${label} is without their passwords, which only a superuser may read.`]),
      ...(wish.databases !== undefined || shut.length === 0
        ? []
        : [`${shut.join(', ')} of ${label} takes no connections, so there is no dump of it.`]),
    ],
  };
}

function planBase(wish: PostgresqlDump, account: Login, { spaces, mayReplicate }: Seen): DumpPlan {
  if (!mayReplicate) throw new Refusal('the role may not copy the server', postgresql.leastRights);
  if (spaces.length > 0)
    throw new Refusal(
      `it has tablespaces of its own (${spaces.map((name) => `"${name}"`).join(', ')}), and one stream has room for none`,
      'Leave "how" away: then each database is dumped.',
    );
  const { name: top = 'postgresql' } = wish;
  return {
    dumps: [
      planned(wish, account, {
        ...{ name: `${top}/base.tar`, what: 'all files', end: ANY_END },
        words: ['pg_basebackup', ...account.login, '--pgdata=-', '--format=tar', '--wal-method=fetch'],
      }),
    ],
    notes: [],
  };
}

function planned(
  wish: PostgresqlDump,
  { owner }: Login,
  { words, what, ...rest }: Pick<PlannedDump, 'name' | 'what' | 'end'> & { readonly words: readonly string[] },
): PlannedDump {
  return {
    ...{ ...rest, what: `${what} of ${postgresql.label(wish)}`, consistency: 'application' },
    line: `runuser -u ${owner} -- ${words.map((word) => typedWord(word) ?? '?').join(' ')}`,
    ...{ script: DUMP, args: [owner, ...words] },
  };
}

/** A name in a connection string: as a bare argument it could be taken for one. */
const conninfo = (database: string): string => `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A database may be called anything; "/" and what would not be a name of its own become escapes. */
const fileName = (database: string): string =>
  encodeURIComponent(database).replaceAll('.', (dot, at: number) => (at === 0 ? '%2E' : dot));

interface Seen {
  readonly isSuper: boolean;
  readonly mayReplicate: boolean;
  readonly readsAll: boolean;
  readonly bases: readonly { readonly name: string; readonly isOpen: boolean }[];
  readonly spaces: readonly string[];
  /** What may not be read. */
  readonly closed: readonly string[];
}

function readRows(text: string, closedText: string): Seen {
  const rows = `${text}\n${closedText}`
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));
  const of = (kind: string): readonly (readonly string[])[] => rows.filter(([first]) => first === kind);
  if (!rows.every(([kind = '']) => ['role', 'base', 'space', 'closed'].includes(kind)) || of('role').length !== 1)
    throw new Error('a row is of another kind');
  const [, isSuper, mayReplicate, readsAll] = of('role')[0] ?? [];
  return {
    isSuper: truth(isSuper),
    mayReplicate: truth(mayReplicate),
    readsAll: truth(readsAll),
    bases: of('base').map(([, name, isOpen]) => ({ name: textOf(name), isOpen: truth(isOpen) })),
    spaces: of('space').map(([, name]) => textOf(name)),
    closed: of('closed').map(([, base, name]) => `"${textOf(name)}" in "${textOf(base)}"`),
  };
}

function truth(word: string | undefined): boolean {
  if (word !== 'true' && word !== 'false') throw new Error('it says neither true nor false');
  return word === 'true';
}

function textOf(hex = ''): string {
  if (!/^([0-9a-f]{2})+$/.test(hex)) throw new Error('a name is no hexadecimal number');
  return Buffer.from(hex, 'hex').toString('utf8');
}
