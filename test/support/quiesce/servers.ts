/** Real servers of Debian 12 for hosts in namespaces: their packages, and bash that starts them there. */
import { expect } from 'vitest';

/** What each session with a server puts on record. */
export const TOOK = {
  'asked at uptime': expect.stringMatching(/^\d+\.\d\d$/) as unknown,
  'answered within seconds': expect.stringMatching(/^\d+\.\d\d$/) as unknown,
};

export const MARIADB_PACKAGES = [
  ...['mariadb-server-core', 'mariadb-client-core', 'mariadb-common', 'mysql-common', 'libmariadb3', 'libaio1'],
  ...['libnuma1', 'liburing2', 'libedit2', 'libncurses6', 'libpcre2-8-0'],
];
export const POSTGRESQL_PACKAGES = ['postgresql-15', 'postgresql-client-15', 'libpq5', 'libxslt1.1'];
export const REDIS_PACKAGES = [
  ...['redis-tools', 'redis-server', 'libjemalloc2', 'liblzf1', 'libhiredis0.14', 'liblua5.1-0', 'lua-cjson'],
  ...['lua-bitop', 'libatomic1'],
];
export const SQLITE_PACKAGES = ['sqlite3', 'libsqlite3-0'];

/** Puts what was unpacked at `root` over the programs of a host in namespaces. */
export const overPrograms = (root: string): string =>
  `mount -t tmpfs tmpfs /var/lib; mount -t overlay -o lowerdir=${root}/usr:/usr overlay /usr; mount -t tmpfs tmpfs /usr/local/sbin; mount -t tmpfs tmpfs /root
`;

const SOCKET = '/run/mysqld/mysqld.sock';

/** With its data in `folder`, as root, with a binary log. */
export const startMariadb = (folder: string): string => `
mkdir -p /run/mysqld ${folder}
mariadb-install-db --no-defaults --user=root --datadir=${folder} --auth-root-authentication-method=socket --skip-test-db >/run/install.log 2>&1
setsid mariadbd --no-defaults --user=root --datadir=${folder} --socket=${SOCKET} --skip-networking --innodb-log-file-size=8M --innodb-buffer-pool-size=16M --log-bin=${folder}/log </dev/null >/run/mariadbd.log 2>&1 &
i=0; until mariadb -e 'SELECT 1' >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 300 ] || { tail -n 5 /run/install.log /run/mariadbd.log >&2; exit 1; }; sleep 0.1; done`;

const BIN = '/usr/lib/postgresql/15/bin';
/** The account of the server, which no other program of the machine has. */
const AS = 'setpriv --reuid 98 --regid 98 --clear-groups';

/** sh that asks the server at /run/postgresql, or at another folder. */
export const psql = (socket = '/run/postgresql'): string => `${AS} psql -XqAt -h ${socket} -d postgres`;
export const pgProgram = (name: string): string => `${AS} ${BIN}/${name}`;

/**
 * With its data in `folder`/data, as an account of its own, which owns `folder`.
 *
 * @param log where its log is to be, a folder in one that is there
 * @param settings lines of its configuration
 */
export const startPostgresql = (
  folder: string,
  { log, settings = [] }: { readonly log?: string; readonly settings?: readonly string[] } = {},
): string => `
cp /etc/passwd /run/passwd; echo 'pgtest:x:98:98::${folder}:/bin/sh' >> /run/passwd; mount --bind /run/passwd /etc/passwd
cp /etc/group /run/group; echo 'pgtest:x:98:' >> /run/group; mount --bind /run/group /etc/group
mkdir -p ${folder} /run/postgresql ${log ?? ''}; chown pgtest: ${folder} /run/postgresql ${log ?? ''}
ln -s ${BIN}/psql /usr/local/sbin/psql
${pgProgram('initdb')} -D ${folder}/data -A peer -U pgtest -k ${log === undefined ? '' : `-X ${log}`} >/run/initdb.log 2>&1
printf '%s\\n' "listen_addresses=''" "unix_socket_directories='/run/postgresql'" shared_buffers=16MB ${settings.join(' ')} >> ${folder}/data/postgresql.conf
${servePostgresql(`${folder}/data`, '/run/postgresql')}`;

function servePostgresql(data: string, socket: string): string {
  return `setsid ${pgProgram('postgres')} -D ${data} -k ${socket} </dev/null >>/run/pg.log 2>&1 &
i=0; until ${psql(socket)} -c 'SELECT 1' >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 300 ] || { tail -n 5 /run/pg.log >&2; exit 1; }; sleep 0.1; done`;
}
