/** MariaDB that is held still by its own stages for backups: a real server in namespaces of this machine. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { runId } from '../../../shared/domain/names.ts';
import type { MariadbHold } from '../../../shared/domain/quiesce.ts';
import { holdOf, mariadb } from '../../../shared/quiesce/mariadb/hook.ts';
import { type LockWay, lookAtServers } from '../../../shared/quiesce/mariadb/look.ts';
import { blocksOf } from '../../support/page-commands.ts';
import { holdOnce } from '../../support/quiesce/hold-once.ts';
import { MARIADB_PACKAGES, overPrograms, startMariadb, TOOK } from '../../support/quiesce/servers.ts';
import { unpackDebian } from '../../support/snapshot/debian-overlay.ts';
import { startFolderCopyHost } from '../../support/snapshot/provider-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type HookFixture, hookContract } from '../hook.ts';

const SERVER = `${startMariadb('/var/lib/mysql')}
mariadb -e 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT); INSERT INTO shop.orders (what) VALUES ("first")'`;

/** A transaction is not let through. */
const IS_HELD = `! mariadb -e 'SET SESSION lock_wait_timeout=0; INSERT INTO shop.orders (what) VALUES ("x")' >/dev/null 2>&1`;
const OTHERS = `mariadb -BNe 'SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = "root"'`;

/** Of a server that writes its log with each commit, or once a second. The copy starts without its binary log. */
const writtenOutAt = (commit: number) => ({
  write: `mariadb -e 'SET GLOBAL innodb_flush_log_at_trx_commit = ${commit}'; sleep 1.2
i=0; while [ $i -lt 400 ]; do i=$((i + 1)); echo 'INSERT INTO shop.orders (what) VALUES ("y");'; done | mariadb`,
  judge: `mariadb -e 'SET GLOBAL innodb_flush_log_at_trx_commit = 1'
setsid mariadbd --no-defaults --user=root --datadir=/run/two --socket=/run/two.sock --skip-networking --skip-log-bin </dev/null >/run/two.log 2>&1 &
two() { mariadb --socket=/run/two.sock -N -e "$1"; }
i=0; until two 'SELECT 1' >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 300 ] || { tail -n 5 /run/two.log >&2; exit 1; }; sleep 0.1; done
found=$(two 'SELECT COUNT(*) FROM shop.orders WHERE what = "y"'); two SHUTDOWN; wait
there=$(mariadb -N -e 'SELECT COUNT(*) FROM shop.orders WHERE what = "y"')
if [ "$found" = "$there" ]; then echo 'all of it'; else echo "$found of $there"; fi`,
});

function mariadbFixture(root: string, way: LockWay) {
  return async (): Promise<HookFixture> => {
    const world = await startFolderCopyHost();
    await world.sh(`${overPrograms(root)}${SERVER}`);
    return {
      ...world,
      hook: (terms) => ({
        ...mariadb,
        plan: (_source, run) => [
          holdOf(
            { of: 'mariadb', seconds: terms.deadlineSeconds },
            { ...terms, run, name: 'mariadb-0', way, hasLog: true },
          ),
        ],
      }),
      isHeld: async () => (await world.sh(`if ${IS_HELD}; then echo held; fi`)) === 'held',
      isHeldScript: IS_HELD,
      letGoScript: `for id in $(${OTHERS}); do mariadb -e "KILL $id"; done`,
      async withoutFreezing(work) {
        // Another backup, which has the lock already.
        await world.sh(`mkfifo /run/other
setsid sh -c 'mariadb < /run/other' >/dev/null 2>&1 &
setsid sh -c 'exec 9> /run/other; echo "BACKUP STAGE START;" >&9; while [ -p /run/other ]; do sleep 0.1; done' >/dev/null 2>&1 </dev/null &
until ! mariadb -e 'SET lock_wait_timeout=0; BACKUP STAGE START; BACKUP STAGE END' 2>/dev/null; do sleep 0.1; done`);
        await work();
        await world.sh(
          `rm /run/other; until mariadb -e 'SET lock_wait_timeout=0; BACKUP STAGE START; BACKUP STAGE END' 2>/dev/null; do sleep 0.1; done`,
        );
      },
      answered: {
        copy: 'rm -rf /run/two; cp -a /var/lib/mysql /run/two; rm -f /run/two/*.pid',
        cases: way === 'stages' ? [0, 1].map(writtenOutAt) : [],
      },
      record: {
        ...TOOK,
        binlog: expect.stringMatching(/^log\.\d{6}:\d+$/) as unknown,
        gtid: expect.stringMatching(/^0-1-\d+$/) as unknown,
        server: expect.stringContaining('MariaDB') as unknown,
      },
      folder: '/run/copied',
      slowness: 2,
    };
  };
}

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'mariadb');
const whyNot = await unpackDebian(root, MARIADB_PACKAGES);
hookContract('MariaDB', whyNot, mariadbFixture(root, 'stages'));

describe('a server of MariaDB', () => {
  let world: HookFixture;
  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot === undefined) world = await mariadbFixture(root, 'stages')();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const look = (...wanted: readonly MariadbHold[]) => world.host.run(lookAtServers(wanted), never);

  test('says what it is, and where it has its files', async () => {
    const { lacks, places, facts } = await look({ of: 'mariadb' });
    expect(lacks).toEqual([]);
    expect(facts).toEqual({
      'way-0': 'stages',
      'data-0': '/var/lib/mysql/',
      'version-0': expect.stringMatching(/^1\d\.\d+\.\d+-MariaDB/) as unknown,
      'binlog-0': 'yes',
    });
    expect([...new Set(places.map(({ path }) => path.toString()))].toSorted()).toEqual([
      '/var/lib/mysql/',
      '/var/lib/mysql//./',
      '/var/lib/mysql//./ibdata1'.replace('/./', '/'),
    ]);
  });

  test('is refused with its own words where the account may not hold it, or is not let in', async () => {
    await world.sh(`mariadb -e "CREATE USER weak@localhost IDENTIFIED BY 'pw'"
printf '[client]\\nuser=weak\\npassword=pw\\n' > /root/weak.cnf; printf '[client]\\nuser=weak\\npassword=other\\n' > /root/wrong.cnf`);
    const { lacks } = await look(
      { of: 'mariadb', optionFile: '/root/weak.cnf' },
      { of: 'mariadb', optionFile: '/root/wrong.cnf' },
      { of: 'mariadb', socket: '/run/none.sock' },
    );
    expect(lacks.map(({ message }) => message)).toEqual([
      'The account that is used on MariaDB lacks RELOAD and PROCESS.',
      expect.stringContaining("Access denied for user 'weak'@'localhost'"),
      expect.stringContaining("Can't connect to local server through socket '/run/none.sock'"),
    ]);
  });

  test('is held by an account with exactly the rights of the page, and refused by name without one of them', async () => {
    const [page = ''] = await blocksOf('docs/consistency.md', 'MariaDB and MySQL', 'sql');
    const rights = /GRANT (.*) ON \*\.\* TO stillpoint@localhost/.exec(page)?.[1]?.split(', ') ?? [];
    expect(rights).toEqual(['RELOAD', 'PROCESS', 'BINLOG MONITOR']);
    await world.sh(`mkdir -p /run/outside; mariadb -e "CREATE TABLE shop.far (a INT) ENGINE=InnoDB DATA DIRECTORY='/run/outside'"
mariadb <<'SQL'
${page.replace("'…'", "'pw'")}
CREATE USER other@localhost; GRANT ALL ON *.* TO other@localhost;
SQL
printf '[client]\\nuser=stillpoint\\npassword=pw\\n' > /root/least.cnf`);
    const least = { of: 'mariadb', optionFile: '/root/least.cnf' } as const;
    const lookWith = async (given: readonly string[]) => {
      const all = `REVOKE ALL PRIVILEGES, GRANT OPTION FROM stillpoint@localhost; GRANT ${given.join(', ')} ON *.* TO stillpoint@localhost`;
      await world.sh(`mariadb -e "${all}"`);
      return await look(least);
    };
    const holding = (hasLog: boolean) =>
      holdOnce(world.host, mariadb, (run) =>
        holdOf(least, { run, name: 'm', holds: 'until-snapshots', way: 'stages', hasLog }),
      );
    const whole = await lookWith(rights);
    expect(whole).toMatchObject({ lacks: [], facts: { 'binlog-0': 'yes' } });
    expect(whole.places.map(({ path }) => path.toString())).toContain('/run/outside/shop/far.ibd');
    const held = { provedUptime: expect.any(Number) as unknown };
    expect(await holding(true)).toMatchObject({
      result: { held: [{ ...held, record: { binlog: expect.any(String) as unknown } }] },
    });
    // Who may read tables sees what others may do, too.
    for (const right of ['RELOAD', 'PROCESS']) {
      const [lack, ...others] = (await lookWith([...rights.filter((each) => each !== right), 'SELECT'])).lacks;
      expect(others).toEqual([]);
      expect(lack?.message).toBe(`The account that is used on MariaDB lacks ${right}.`);
      expect(lack?.advice).toContain('GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO …');
    }
    expect(await lookWith(['RELOAD', 'PROCESS', 'SELECT'])).toMatchObject({ lacks: [], facts: { 'binlog-0': 'no' } });
    expect(await holding(false)).toMatchObject({ result: { held: [held] } });
    await world.sh('mariadb -e "DROP TABLE shop.far"');
  });

  test('is not led astray by what the option files of root say of the form of answers', async () => {
    const [server] = (await look({ of: 'mariadb' })).lacks;
    expect(server).toBeUndefined();
    await world.sh(
      'printf \'[client]\\nhtml\\nvertical\\ncolumn-names\\ntable\\nforce\\nxml\\ntee=/root/tee\\nreconnect\\n[mysql]\\ninit-command="SET NAMES latin1"\\npager=cat\\n\' > /root/.my.cnf',
    );
    const { lacks, facts } = await look({ of: 'mariadb' });
    await world.sh('rm -f /root/.my.cnf /root/tee');
    expect({ lacks, way: facts['way-0'] }).toEqual({ lacks: [], way: 'stages' });
  });

  test('without stages is held by the lock of all tables, and never behind a query that runs long', async () => {
    const holding = () =>
      holdOnce(world.host, mariadb, (run) =>
        holdOf({ of: 'mariadb' }, { run, name: 'm', holds: 'until-snapshots', way: 'tables', hasLog: true }),
      );
    expect(await holding()).toMatchObject({
      result: {
        held: [{ provedUptime: expect.any(Number) as unknown, record: { binlog: expect.any(String) as unknown } }],
      },
    });
    await world.sh(`setsid mariadb -e 'SELECT SLEEP(60)' >/dev/null 2>&1 </dev/null &
until [ "$(mariadb -N -e 'SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE TIME > 5 AND INFO = "SELECT SLEEP(60)"')" = 1 ]; do sleep 0.5; done`);
    expect(await holding()).toMatchObject({
      failed: { stderr: expect.stringContaining('a query has run for over 5 s') as unknown },
    });
    await world.sh(`for id in $(${OTHERS}); do mariadb -e "KILL $id"; done`);
  });

  test('proves the position in its log, at which it stood still', async () => {
    const hold = holdOf(
      { of: 'mariadb' },
      { run: runId('0123abcd'), name: 'm', holds: 'until-snapshots', way: 'stages', hasLog: true },
    );
    const said = 'session 5\nversion 10.11.6-MariaDB-0\nlog.000003\t1234\t\t\ngtid 0-1-7\n';
    expect(hold.prove.parse([said, '9.50 9.75\n10.00 10.02'])).toEqual({
      ...{ server: '10.11.6-MariaDB-0', binlog: 'log.000003:1234', gtid: '0-1-7' },
      ...{ 'asked at uptime': '9.50', 'answered within seconds': '0.27' },
    });
    expect(() => hold.prove.parse(['<html>', '9.50 9.75'])).toThrow('another form');
    expect(() => hold.prove.parse([said, ''])).toThrow('another form');
  });
});
