/**
 * A host with databases: MariaDB, PostgreSQL, Redis and SQLite of Debian in namespaces of this machine, reached by their sockets
 * alone. All that they write is in memory and goes with the host.
 */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackDebian } from '../snapshot/debian-overlay.ts';
import { type NamespaceHost, startNamespaceHost } from '../snapshot/namespace-host.ts';

const PACKAGES = [
  ...['mariadb-server-core', 'mariadb-client-core', 'mariadb-client', 'libmariadb3', 'liburing2', 'libsnappy1v5'],
  ...['libpmem1', 'libdaxctl1', 'libndctl6', 'libkmod2', 'libaio1', 'libncurses6'],
  ...['postgresql-15', 'postgresql-client-15', 'libpq5', 'libllvm14', 'libz3-4', 'libxslt1.1', 'libjson-perl'],
  ...[
    'redis-server',
    'redis-tools',
    'libhiredis0.14',
    'liblzf1',
    'libjemalloc2',
    'liblua5.1-0',
    'lua-cjson',
    'lua-bitop',
    'libatomic1',
  ],
  ...['sqlite3', 'libsqlite3-0'],
];

const POSTGRESQL = '../lib/postgresql/15/bin';
const PROGRAMS = ['psql', 'pg_dump', 'pg_dumpall', 'pg_basebackup', 'pg_restore', 'createdb', 'initdb', 'pg_ctl'];

/** What they need of the world, once for all hosts; or why it cannot be had. */
export async function unpackDatabases(root: string): Promise<string | undefined> {
  const whyNot = await unpackDebian(root, PACKAGES);
  if (whyNot !== undefined) return whyNot;
  await mkdir(join(root, 'usr/sbin'), { recursive: true });
  // Debian's own of these names are for the clusters that its packages make.
  for (const name of PROGRAMS) await symlink(`${POSTGRESQL}/${name}`, join(root, 'usr/bin', name));
  return undefined;
}

const USERS = [
  'mysql:x:2001:2001::/var/lib/mysql:/bin/false',
  'postgres:x:2002:2002::/var/lib/postgresql:/bin/bash',
  'redis:x:2003:2003::/var/lib/redis:/bin/false',
  'app:x:2004:2004::/srv/app:/bin/false',
];

/** Of all hosts of a root: folders of servers as their own programs make them. */
const MADE = '/run/made';

/** sh that lays out an empty MariaDB or PostgreSQL in a folder that is not there: making one takes seconds, and copying it does not. */
const emptyIn = (what: 'mariadb' | 'postgresql', make: string) => (folder: string) =>
  `
[ -d ${MADE}/${what} ] || { mkdir -p ${MADE}; folder=${MADE}/${what}.new; ${make}; mv $folder ${MADE}/${what}; }
cp -a ${MADE}/${what} ${folder}`;

export const emptyMariadb = emptyIn(
  'mariadb',
  'mariadb-install-db --user=mysql --datadir=$folder --auth-root-authentication-method=socket --skip-test-db >/run/install.log 2>&1',
);
export const emptyPostgres = emptyIn(
  'postgresql',
  'install -d -m 700 -o postgres -g postgres $folder; as initdb -D $folder -A peer -N --locale=C.UTF-8 >/run/initdb.log',
);

/** sh that makes a host in namespaces one with the programs and the accounts of the databases. */
export const withDatabases = (root: string): string => `
mkdir -p ${root}.made; mkdir ${MADE}; mount --bind ${root}.made ${MADE}
mkdir -p /run/etc /run/etc.work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc.work /etc
mount -t overlay overlay -o lowerdir=${root}/usr:/usr /usr
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /srv
rm -rf /etc/mysql /etc/postgresql-common
sed -i -e '/^\\(mysql\\|postgres\\|redis\\|app\\):/d' /etc/passwd /etc/group
cat >> /etc/passwd <<'END'
${USERS.join('\n')}
END
${USERS.map((line) => line.split(':'))
  .map(([name, , uid]) => `echo '${name}:x:${uid}:' >> /etc/group`)
  .join('\n')}
install -d -o redis -g redis /var/lib/redis
install -d -o mysql -g mysql /run/mysqld; install -d -o redis -g redis /run/redis
install -d -o postgres -g postgres /var/lib/postgresql /run/postgresql; install -d -o app -g app /srv/app`;

export const START_MARIADB = `
setsid mariadbd --no-defaults --user=mysql --datadir=/var/lib/mysql --skip-networking --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/pid --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=0 </dev/null >/run/mariadbd.log 2>&1 &
until mariadb -e 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done`;

export const MARIADB = `${emptyMariadb('/var/lib/mysql')}${START_MARIADB}`;

export const POSTGRES = `
cd /; as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
${emptyPostgres('/var/lib/postgresql/data')}
as pg_ctl -D /var/lib/postgresql/data -w -l /var/lib/postgresql/log -o "-c listen_addresses= -c fsync=off -c checkpoint_completion_target=0.01 -c wal_keep_size=512MB -k /run/postgresql" start >/dev/null`;

export const REDIS = `
setpriv --reuid=redis --regid=redis --clear-groups redis-server --daemonize yes --port 0 --unixsocket /run/redis/redis.sock --dir /var/lib/redis --repl-diskless-sync-delay 0 --enable-debug-command local --rdbcompression no --save '' >/dev/null
until redis-cli -s /run/redis/redis.sock ping >/dev/null 2>&1; do sleep 0.1; done`;

/** @param servers what is started in it */
export const startDumpHost = (root: string, servers: readonly string[]): Promise<NamespaceHost> =>
  startNamespaceHost([withDatabases(root), ...servers].join('\n'));
