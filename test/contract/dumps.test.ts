/** Dumps of real servers, each in namespaces of this machine with a plain file system. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StillpointError } from '../../shared/base/errors.ts';
import type { DumpWish } from '../../shared/domain/dump.ts';
import { backUpHere, makeRepository, planHere } from '../support/backing-up.ts';
import {
  emptyMariadb,
  emptyPostgres,
  MARIADB,
  POSTGRES,
  REDIS,
  START_MARIADB,
  startDumpHost,
  unpackDatabases,
} from '../support/dump/dump-host.ts';
import { NO_RESTIC, resticFinds, resticOk } from '../support/restic.ts';
import type { NamespaceHost } from '../support/snapshot/namespace-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type DumpFixture, dumpContract } from './dump.ts';

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'databases');
const whyNot = NO_RESTIC ?? (await unpackDatabases(root));

type Own = Omit<DumpFixture, 'connect' | 'sh' | keyof AsyncDisposable>;

const fixture = (servers: readonly string[], fill: string, own: Own) => async (): Promise<DumpFixture> => {
  const { connect, sh, ...host } = await startDumpHost(root, servers);
  await sh(fill);
  return { ...own, connect, sh, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
};

const ROWS = 40_000;

const SQL_STATE = (socket: string): string => `
for table in orders a b; do mariadb --default-character-set=utf8mb4 --socket=${socket} -N -B shop -e "SELECT * FROM $table ORDER BY id" | sha256sum; done
mariadb --default-character-set=utf8mb4 --socket=${socket} -N -B -e "SELECT * FROM shop.dear ORDER BY id" | sha256sum
mariadb --default-character-set=utf8mb4 --socket=${socket} -N -B -e "SHOW TRIGGERS FROM shop; SHOW CREATE PROCEDURE shop.tidy; SHOW CREATE EVENT shop.nightly" | cut -f 1-4
mariadb --default-character-set=utf8mb4 --socket=${socket} -N -B -e "SHOW GRANTS FOR clerk@localhost; SELECT HEX(b), c FROM \\\`odd-'name\\\`.bytes ORDER BY id"`;

const ONE = '/run/mysqld/mysqld.sock';
const TWO = '/run/mysqld/two.sock';

dumpContract(
  'MariaDB',
  whyNot,
  fixture(
    [MARIADB],
    `mariadb --default-character-set=utf8mb4 <<'END'
CREATE DATABASE shop; CREATE DATABASE \`odd-'name\`; USE shop;
CREATE TABLE orders (id INT PRIMARY KEY, what VARCHAR(64), more VARCHAR(200)) ENGINE=InnoDB;
INSERT INTO orders SELECT seq, MD5(seq), CONCAT(SHA2(seq, 256), SHA2(seq + 1, 256)) FROM seq_1_to_${ROWS};
CREATE TABLE a (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO a VALUES (1, 0);
CREATE TABLE b (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO b VALUES (1, 0);
CREATE VIEW dear AS SELECT id, what FROM orders WHERE id % 1000 = 0;
CREATE TRIGGER noted BEFORE INSERT ON orders FOR EACH ROW SET NEW.what = UPPER(NEW.what);
CREATE PROCEDURE tidy() DELETE FROM orders WHERE id < 0;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM orders WHERE id < 0;
CREATE TABLE \`odd-'name\`.bytes (id INT PRIMARY KEY, b BLOB, c VARCHAR(20) CHARACTER SET utf8mb4) ENGINE=InnoDB;
INSERT INTO \`odd-'name\`.bytes VALUES (1, x'00ff27225c0a', '😀 ß'), (2, NULL, '');
CREATE USER clerk@localhost IDENTIFIED BY 'secret'; GRANT SELECT ON shop.orders TO clerk@localhost;
END`,
    {
      wish: { of: 'mariadb' },
      consistency: 'application',
      state: SQL_STATE(ONE),
      loadedState: SQL_STATE(TWO),
      counters: 'mariadb -N -B shop -e "SELECT a.n, b.n FROM a, b"',
      loadedCounters: `mariadb --socket=${TWO} -N -B shop -e "SELECT a.n, b.n FROM a, b"`,
      raise: 'mariadb shop -e "START TRANSACTION; UPDATE a SET n = n + 1; UPDATE b SET n = n + 1; COMMIT"',
      change: `mariadb shop -e "UPDATE orders SET what = 'changed' WHERE id = 7; INSERT INTO orders VALUES (0, 'new', 'row')"`,
      load: `${emptyMariadb('/var/lib/mysql2')}
setsid mariadbd --no-defaults --user=mysql --datadir=/var/lib/mysql2 --skip-networking --socket=${TWO} --pid-file=/run/mysqld/two.pid --innodb-buffer-pool-size=32M </dev/null >/run/two.log 2>&1 &
until mariadb --socket=${TWO} -e 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done
mariadb --socket=${TWO} < $1/mariadb/databases.sql
mariadb --socket=${TWO} < $1/mariadb/accounts.sql`,
      unload: `kill -9 $(cat /run/mysqld/two.pid); rm -rf /var/lib/mysql2`,
      die: 'kill -9 $(cat /run/mysqld/pid)',
      revive: START_MARIADB,
      program: 'mariadb-dump',
    },
  ),
);

const AS = 'cd /; as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; };';
const PSQL = (port: number, words: string): string => `as psql -h /run/postgresql -p ${port} -X -q -A -t ${words}`;
const PG_STATE = (port: number): string => `${AS}
for table in orders a b dear; do ${PSQL(port, '-d shop -c "SELECT * FROM $table ORDER BY 1"')} | sha256sum; done
${PSQL(port, `-d "odd 'name" -c "SELECT encode(b, 'hex'), c FROM bytes ORDER BY id"`)}
${PSQL(port, `-d shop -c "SELECT rolname, rolpassword IS NOT NULL, has_table_privilege('clerk', 'orders', 'SELECT') FROM pg_authid WHERE rolname = 'clerk'"`)}
${PSQL(port, `-d shop -c "SELECT proname FROM pg_proc WHERE proname = 'tidy'"`)}`;

const FILL_POSTGRES = `${AS}
${PSQL(5432, '-d postgres')} -c "CREATE ROLE clerk LOGIN PASSWORD 'secret'" -c 'CREATE DATABASE shop' -c "CREATE DATABASE \\"odd 'name\\""
${PSQL(5432, '-d shop')} -v ON_ERROR_STOP=1 <<'END'
CREATE TABLE orders AS SELECT i AS id, md5(i::text) AS what, repeat(md5(i::text || 'x'), 4) AS more FROM generate_series(1, ${ROWS}) i;
ALTER TABLE orders ADD PRIMARY KEY (id); GRANT SELECT ON orders TO clerk;
CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a VALUES (1, 0); CREATE TABLE b (id int PRIMARY KEY, n int); INSERT INTO b VALUES (1, 0);
CREATE VIEW dear AS SELECT id, what FROM orders WHERE id % 1000 = 0;
CREATE FUNCTION tidy() RETURNS void LANGUAGE sql AS 'DELETE FROM orders WHERE id < 0';
END
${PSQL(5432, `-d "odd 'name"`)} -c "CREATE TABLE bytes (id int PRIMARY KEY, b bytea, c text)" -c "INSERT INTO bytes VALUES (1, '\\\\x00ff27225c0a', '😀 ß'), (2, NULL, '')"
${PSQL(5432, '-d postgres -c CHECKPOINT')}`;

const postgresOwn = (own: Pick<Own, 'wish' | 'load' | 'program'>): Own => ({
  ...own,
  consistency: 'application',
  state: PG_STATE(5432),
  loadedState: PG_STATE(5433),
  counters: `${AS} ${PSQL(5432, `-F ' ' -d shop -c 'SELECT a.n, b.n FROM a, b'`)}`,
  loadedCounters: `${AS} ${PSQL(5433, `-F ' ' -d shop -c 'SELECT a.n, b.n FROM a, b'`)}`,
  raise: `${AS} ${PSQL(5432, `-d shop -c 'BEGIN; UPDATE a SET n = n + 1; UPDATE b SET n = n + 1; COMMIT'`)}`,
  change: `${AS} ${PSQL(5432, `-d shop -c "UPDATE orders SET what = 'changed' WHERE id = 7" -c CHECKPOINT`)}`,
  unload: `${AS} as pg_ctl -D /var/lib/postgresql/two -m immediate -w stop >/dev/null; rm -rf /var/lib/postgresql/two`,
  die: 'pkill -9 -x postgres',
  revive: `${AS} while pgrep -r D,R,S,T -x postgres >/dev/null; do sleep 0.2; done
# What is killed is never waited for here, so it looks alive.
rm -f /var/lib/postgresql/data/postmaster.pid /run/postgresql/.s.PGSQL.5432*
as pg_ctl -D /var/lib/postgresql/data -w -l /var/lib/postgresql/log -o "-c listen_addresses= -c fsync=off -c checkpoint_completion_target=0.01 -c wal_keep_size=512MB -k /run/postgresql" start >/dev/null; ${PSQL(5432, '-d postgres -c CHECKPOINT')}`,
});

const START_TWO =
  'as pg_ctl -D /var/lib/postgresql/two -w -l /var/lib/postgresql/two.log -o "-c listen_addresses= -c port=5433 -c fsync=off -c checkpoint_completion_target=0.01 -c wal_keep_size=512MB -k /run/postgresql" start >/dev/null';

dumpContract(
  'PostgreSQL by database',
  whyNot,
  fixture(
    [POSTGRES],
    FILL_POSTGRES,
    postgresOwn({
      wish: { of: 'postgresql' },
      load: `${AS}${emptyPostgres('/var/lib/postgresql/two')}
${START_TWO}
${PSQL(5433, '-d postgres')} -f $1/postgresql/globals.sql >/dev/null 2>&1
for file in $1/postgresql/*.dump; do
  case $file in */postgres.dump) ;; *) as pg_restore -h /run/postgresql -p 5433 --exit-on-error --create -d postgres "$file" ;; esac
done`,
      program: 'pg_dump',
    }),
  ),
);

dumpContract(
  'the files of PostgreSQL',
  whyNot,
  fixture(
    [POSTGRES],
    FILL_POSTGRES,
    postgresOwn({
      wish: { of: 'postgresql', how: 'base-backup' },
      load: `${AS}
install -d -m 700 -o postgres -g postgres /var/lib/postgresql/two
as tar -x -f $1/postgresql/base.tar -C /var/lib/postgresql/two
${START_TWO}`,
      program: 'pg_basebackup',
    }),
  ),
);

const REDIS_STATE = (socket: string): string => `
redis-cli -s ${socket} --scan | sort | sed -e 's/^key:/get &/;t' -e 's/^/dump /' | redis-cli -s ${socket} | sha256sum
redis-cli -s ${socket} dbsize`;

dumpContract(
  'Redis',
  whyNot,
  fixture(
    [REDIS],
    `redis-cli -s /run/redis/redis.sock debug populate 3000 key 6000 >/dev/null
redis-cli -s /run/redis/redis.sock mset a 0 b 0 >/dev/null
redis-cli -s /run/redis/redis.sock hset hash one 1 two 2 >/dev/null`,
    {
      wish: { of: 'redis', socket: '/run/redis/redis.sock' },
      consistency: 'application',
      state: REDIS_STATE('/run/redis/redis.sock'),
      loadedState: REDIS_STATE('/run/redis/two.sock'),
      counters: 'redis-cli -s /run/redis/redis.sock mget a b | tr "\\n" " "',
      loadedCounters: 'redis-cli -s /run/redis/two.sock mget a b | tr "\\n" " "',
      raise: `printf 'MULTI\\nINCR a\\nINCR b\\nEXEC\\n' | redis-cli -s /run/redis/redis.sock`,
      change: 'redis-cli -s /run/redis/redis.sock set key:7 changed >/dev/null',
      load: `
redis-check-rdb $1/redis/dump.rdb >/dev/null
install -d -o redis -g redis /var/lib/redis2; install -o redis -g redis $1/redis/dump.rdb /var/lib/redis2/dump.rdb
setpriv --reuid=redis --regid=redis --clear-groups redis-server --daemonize yes --port 0 --unixsocket /run/redis/two.sock --pidfile /run/redis/two.pid --dir /var/lib/redis2 --save '' >/dev/null
until redis-cli -s /run/redis/two.sock dbsize 2>/dev/null | grep -q '^[0-9]'; do sleep 0.1; done`,
      unload: 'redis-cli -s /run/redis/two.sock shutdown nosave 2>/dev/null || :; rm -rf /var/lib/redis2',
      die: 'redis-cli -s /run/redis/redis.sock config set rdb-key-save-delay 0 >/dev/null; pkill -9 -f "^redis-server unixsocket:/run/redis/redis.sock|redis-rdb-to-slaves"',
      revive: `${REDIS}
redis-cli -s /run/redis/redis.sock debug populate 3000 key 6000 >/dev/null`,
      program: 'redis-cli.*--rdb',
    },
  ),
);

const SQLITE_STATE = (file: string): string => `
sqlite3 ${file} "PRAGMA integrity_check; PRAGMA user_version; PRAGMA application_id; PRAGMA journal_mode"
sqlite3 ${file} "SELECT id, hex(what) FROM orders ORDER BY id" | sha256sum
sqlite3 ${file} "SELECT rowid, word FROM words WHERE words MATCH 'stone'"`;

for (const mode of ['wal', 'delete']) {
  const app = (sql: string): string =>
    `setpriv --reuid=app --regid=app --clear-groups sqlite3 -cmd '.timeout 20000' /srv/app/a.db "${sql}"`;
  dumpContract(
    `SQLite in the mode "${mode}"`,
    whyNot,
    fixture(
      [],
      `cd /; ${app(`PRAGMA journal_mode=${mode}; PRAGMA user_version=7; PRAGMA application_id=99;
CREATE TABLE orders (id INTEGER PRIMARY KEY, what BLOB); INSERT INTO orders WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 2500) SELECT n, randomblob(4000) FROM i;
INSERT INTO orders VALUES (0, CAST(x'610062' AS TEXT)); CREATE TABLE a (n); INSERT INTO a VALUES (0); CREATE TABLE b (n); INSERT INTO b VALUES (0);
CREATE VIRTUAL TABLE words USING fts5(word); INSERT INTO words(rowid, word) VALUES (77, 'stone and bone');`)} >/dev/null`,
      {
        wish: { of: 'sqlite', file: '/srv/app/a.db' },
        consistency: 'application',
        state: SQLITE_STATE('/srv/app/a.db'),
        loadedState: SQLITE_STATE('/srv/two/a.db'),
        counters: `cd /; ${app('SELECT a.n, b.n FROM a, b')} | tr '|' ' '`,
        loadedCounters: `sqlite3 /srv/two/a.db 'SELECT a.n, b.n FROM a, b' | tr '|' ' '`,
        // A small log is often moved into the file, and a page of the table with it.
        raise: `cd /; ${app('PRAGMA wal_autocheckpoint=4; BEGIN; UPDATE a SET n = n + 1; UPDATE orders SET what = randomblob(4000) WHERE id = 1 + (SELECT n FROM a) % 2500; UPDATE b SET n = n + 1; COMMIT')}`,
        change: `cd /; ${app("UPDATE orders SET what = 'changed' WHERE id = 7")}`,
        load: `install -d /srv/two; tar -x -f $1/sqlite/srv/app/a.db.tar -C /srv/two`,
        unload: 'rm -rf /srv/two',
        die: 'pkill -9 -x tar',
        writersWait: mode === 'delete',
        revive: ':',
        program: 'sqlite3 -batch|^tar ',
      },
    ),
  );
}

dumpContract(
  'a command',
  whyNot,
  fixture(
    [],
    `cd /srv/app; head -c 12000000 /dev/urandom > big; printf '#!/bin/sh\\ncat /srv/app/big\\n' > dump; chmod 755 dump; chown -R app: .; chmod 600 big`,
    {
      wish: { of: 'command', name: 'big.bin', command: ['/srv/app/dump'], hostUser: 'app' },
      consistency: 'fuzzy',
      state: 'sha256sum < /srv/app/big',
      change:
        'printf new > /srv/app/new; cat /srv/app/big >> /srv/app/new; mv /srv/app/new /srv/app/big; chown app: /srv/app/big',
      load: 'cp $1/command/big.bin /srv/two',
      loadedState: 'sha256sum < /srv/two',
      unload: 'rm -f /srv/two',
      die: 'pkill -9 -f "^cat /srv/app/big"',
      revive: ':',
      program: '/srv/app/dump|^cat /srv',
    },
  ),
);

describe('a plan', () => {
  let host: NamespaceHost;

  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot === undefined) host = await startDumpHost(root, [MARIADB, POSTGRES]);
  });
  afterAll(() => host?.[Symbol.asyncDispose]());

  const refused = async (dumps: readonly DumpWish[]): Promise<StillpointError> => {
    const order = {
      repository: '',
      workFolder: '',
      paths: [],
      withoutSnapshot: 'refuse' as const,
      dumps,
      openHost: () => Promise.resolve(host.connect()),
    };
    const error = await planHere(order).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'dump.refused' });
    return error as StillpointError;
  };

  test('of a server that does not run says how to find one that does, and nothing of rights', async () => {
    for (const [wish, advice] of [
      [{ of: 'postgresql', port: 6000 }, 'ss -lx | grep PGSQL'],
      [{ of: 'mariadb', socket: '/run/none.sock' }, 'ss -lx | grep mysql'],
      [{ of: 'redis', socket: '/run/none.sock' }, 'ss -lxt'],
    ] as const) {
      const error = await refused([wish]);
      expect(error.advice).toMatch(/^Start the server, or correct /);
      expect(error.advice).toContain(advice);
    }
  });

  test('refuses what it could not dump whole, with the words of the servers, all at once', async () => {
    await host.sh(`mariadb -e "CREATE DATABASE old; CREATE TABLE old.log (a INT) ENGINE=MyISAM; CREATE USER weak@localhost IDENTIFIED BY 'x'; GRANT SELECT ON old.* TO weak@localhost"
printf '[client]\\nuser=weak\\npassword=x\\n' > /run/weak.cnf; printf '[client]\\nuser=weak\\npassword=y\\n' > /run/wrong.cnf; printf '[mysqldump]\\nwhere=1=0\\nignore-tab=old.log\\n' > /run/less.cnf; chmod 600 /run/weak.cnf /run/wrong.cnf
setpriv --reuid=postgres --regid=postgres --init-groups psql -h /run/postgresql -d postgres -c 'CREATE ROLE app LOGIN' >/dev/null`);
    const words = (
      await refused([
        { of: 'mariadb' },
        { of: 'mariadb', name: 'wrong', optionFile: '/run/wrong.cnf' },
        { of: 'mariadb', name: 'weak', optionFile: '/run/weak.cnf', databases: ['old'] },
        { of: 'mariadb', name: 'less', optionFile: '/run/less.cnf' },
        { of: 'postgresql', port: 6000 },
        { of: 'postgresql', role: 'nobody-known' },
        { of: 'redis', socket: '/run/none.sock' },
        { of: 'sqlite', file: '/srv/none.db' },
        { of: 'command', name: 'a', command: ['no-such-program'] },
        { of: 'command', name: 'b', command: ['true'], hostUser: 'no-such-user' },
      ])
    ).message;
    expect(words).toContain('10 dumps of "paper" cannot be made');
    expect(words).toContain('tables without transactions would be of other moments than the rest: "old.log" (MyISAM)');
    expect(words).toContain("Access denied for user 'weak'@'localhost'");
    expect(words).toContain('the account lacks EVENT on "old", SHOW VIEW on "old", TRIGGER on "old"');
    expect(words).toContain(
      'an option file of the host says "where", "ignore-tab", by which a dump would not be whole',
    );
    expect(words).toContain('no server has a socket .s.PGSQL.6000');
    expect(words).toContain("Peer authentication failed for user 'nobody-known'");
    expect(words).toContain('Could not connect to Redis at /run/none.sock');
    expect(words).toContain('there is no file /srv/none.db');
    expect(words).toContain('there is no program "no-such-program"');
    expect(words).toContain('no-such-user');
  });

  test('files that are read live stay fuzzy beside a dump, and both are told', async () => {
    await using work = await temporaryFolder();
    const repository = join(work.path, 'repository');
    await makeRepository(repository);
    await host.sh('mariadb -e "DROP DATABASE old"; echo one > /srv/file');
    const { report, error } = await backUpHere({
      ...{ repository, workFolder: work.path, paths: ['/srv'], withoutSnapshot: 'read-live' },
      ...{ dumps: [{ of: 'postgresql' }], openHost: () => Promise.resolve(host.connect()) },
    });
    expect(error).toBeUndefined();
    expect(report?.consistency).toBe('fuzzy');
    expect(report?.dumps?.map(({ path, consistency }) => [path, consistency])).toEqual([
      ['/.stillpoint-dumps/postgresql/globals.sql', 'application'],
      ['/.stillpoint-dumps/postgresql/postgres.dump', 'application'],
    ]);
    const listed = await resticOk(repository, 'ls', 'latest');
    expect(listed).toContain('/srv/file');
    expect(listed).toContain('/.stillpoint-dumps/postgresql/globals.sql');
    expect(await resticFinds(repository, '--read-data')).toEqual([]);
  });
});
