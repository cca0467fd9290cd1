/** What is made of the answers of a host: which dumps there will be, and why there can be none. */
import { describe, expect, test } from 'vitest';
import type { DumpWish } from '../../../shared/domain/dump.ts';
import { Refusal } from '../../../shared/dump/dump.ts';
import { dumperOf } from '../../../shared/dump/registry.ts';

const plan = (wish: DumpWish, ...fields: string[]) => dumperOf(wish).plan(wish, fields);
const hex = (text: string): string => Buffer.from(text).toString('hex');
const HEX = (text: string): string => hex(text).toUpperCase();

function refusalOf(wish: DumpWish, ...fields: string[]): string {
  try {
    plan(wish, ...fields);
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
  return '';
}

describe('MariaDB', () => {
  const answer = (...rows: string[]): string => ['sees\t1', ...rows].join('\n');
  const two = [`base\t${HEX('shop')}`, `base\t${HEX("odd 'name")}`];

  test('all databases are one dump, and the accounts another', () => {
    const { dumps, notes } = plan({ of: 'mariadb' }, 'mariadb-dump', 'yes', answer(...two), '');
    expect(dumps.map(({ name }) => name)).toEqual(['mariadb/databases.sql', 'mariadb/accounts.sql']);
    expect(dumps[0]?.args.slice(-4)).toEqual(['--databases', '--', 'shop', "odd 'name"]);
    expect(dumps[0]?.line).toContain(`'odd '\\''name'`);
    expect(notes).toEqual([]);
  });

  test('a program that cannot write accounts is told of', () => {
    const { dumps, notes } = plan({ of: 'mysql' }, 'mysqldump', 'no', answer(...two), '');
    expect(dumps.map(({ name }) => name)).toEqual(['mysql/databases.sql']);
    expect(notes).toEqual(['The accounts of MySQL are not in its dump: "mysqldump" there cannot write them.']);
  });

  test('the option file comes first, and no password anywhere', () => {
    const wish = { of: 'mariadb', optionFile: '/root/b.cnf', socket: '/run/s', name: 'old' } as const;
    const { dumps } = plan(wish, 'mariadb-dump', 'no', answer(...two), '');
    expect(dumps[0]?.line).toMatch(
      /^mariadb-dump --defaults-extra-file=\/root\/b.cnf --socket=\/run\/s --single-transaction /,
    );
    expect(dumps[0]?.name).toBe('old/databases.sql');
  });

  test.each([
    ['an account that sees some', {}, 'sees\t0', 'the account does not see all databases'],
    ['a database that is not there', { databases: ['other'] }, answer(...two), 'there is no database "other"'],
    [
      'a right that is not given',
      {},
      answer(...two, `lacks\t${HEX('shop')}\tTRIGGER`),
      'the account lacks TRIGGER on "shop"',
    ],
    [
      'tables without transactions',
      {},
      answer(...two, `loose\t${HEX('shop')}\t${HEX('log')}\tMyISAM`),
      'tables without transactions would be of other moments than the rest: "shop.log" (MyISAM)',
    ],
  ])('is refused: %s', (_, more, rows, words) => {
    expect(refusalOf({ of: 'mariadb', ...more }, 'mariadb-dump', 'yes', rows, '')).toContain(words);
  });

  test('what concerns other databases than those that are named stands in no way', () => {
    const rows = answer(...two, `loose\t${HEX('shop')}\t${HEX('log')}\tMyISAM`, `lacks\t${HEX('shop')}\tEVENT`);
    const { dumps } = plan({ of: 'mariadb', databases: ["odd 'name"] }, 'mariadb-dump', 'yes', rows, '');
    expect(dumps.map(({ name }) => name)).toEqual(['mariadb/databases.sql']);
  });

  test.each([answer('other\t1'), answer('base\tzz'), '', 'base\t00'])('is not understood: %j', (rows) => {
    expect(() => plan({ of: 'mariadb' }, 'mariadb-dump', 'yes', rows, '')).toThrow(/row|hexadecimal/);
  });

  test.each(['where', 'WHERE', 'wher', 'ignore_table', 'loose-ignore-table', 'tab', 'dump-slave'])(
    'is refused where an option file says "%s"',
    (name) => {
      const told = `user\n${name}\nsocket`;
      expect(refusalOf({ of: 'mariadb' }, 'mariadb-dump', 'yes', answer(...two), told)).toBe(
        `an option file of the host says "${name}", by which a dump would not be whole, or would do more than read`,
      );
    },
  );

  test('what an option file says of the way to the server, or what is said again, stands in no way', () => {
    const told = 'user\npassword\nssl-ca\nquick\nno-data\nskip-triggers\nmax_allowed_packet\ntables';
    expect(plan({ of: 'mariadb' }, 'mariadb-dump', 'yes', answer(...two), told).dumps).toHaveLength(2);
  });
});

describe('PostgreSQL', () => {
  const SUPER = 'role true true true';
  const bases = [`base ${hex('shop')} true`, `base ${hex("a/b'c")} true`, `base ${hex('shut')} false`].join('\n');
  const fields = (role: string, rows = bases, closed = '') => [
    '/run/postgresql',
    'postgres',
    `${role}\n${rows}`,
    closed,
  ];

  test('each database is a dump, with the roles beside them', () => {
    const { dumps, notes } = plan({ of: 'postgresql' }, ...fields(SUPER));
    expect(dumps.map(({ name }) => name)).toEqual([
      'postgresql/globals.sql',
      'postgresql/shop.dump',
      "postgresql/a%2Fb'c.dump",
    ]);
    expect(dumps[2]?.args.at(-1)).toBe(String.raw`--dbname=dbname='a/b\'c'`);
    expect(notes).toEqual(['"shut" of PostgreSQL at port 5432 takes no connections, so there is no dump of it.']);
  });

  test('a role that is no superuser has no passwords of roles, and says so', () => {
    const { dumps, notes } = plan({ of: 'postgresql', databases: ['shop'] }, ...fields('role false false true'));
    expect(dumps[0]?.args).toContain('--no-role-passwords');
    expect(notes[0]).toContain('without their passwords');
  });

  test.each([
    ['one that may not read all', {}, fields('role false false false'), 'the role may not read all of it'],
    [
      'a table that is closed',
      { databases: ['shop'] },
      fields('role false false false', bases, `closed ${hex('shop')} ${hex('public.pay')}`),
      'the role may not read "public.pay" in "shop"',
    ],
    ['a database that takes no connections', { databases: ['shut'] }, fields(SUPER), 'there is no database "shut"'],
    ['a role that may not copy', { how: 'base-backup' as const }, fields('role false false true', ''), 'may not copy'],
    [
      'tablespaces',
      { how: 'base-backup' as const },
      fields(SUPER, `space ${hex('fast')}`),
      'it has tablespaces of its own ("fast")',
    ],
  ])('is refused: %s', (_, more, answer, words) => {
    expect(refusalOf({ of: 'postgresql', ...more }, ...answer)).toContain(words);
  });
});

describe('the end of', () => {
  const end = (wish: DumpWish, ...fields: string[]) => plan(wish, ...fields).dumps[0]?.end;
  const sum = Buffer.from('12345678');
  const record = Buffer.from([0xff]);
  const mark = Buffer.from('0123456789abcdef0123456789abcdef01234567');

  test('SQL is a line that says so, among the last', () => {
    const sql = end({ of: 'mariadb' }, 'mariadb-dump', 'no', `sees\t1\nbase\t${HEX('a')}`, '');
    expect(sql?.surplus(Buffer.from('x\n-- Dump completed\n'))).toBe(0);
    expect(sql?.surplus(Buffer.from("INSERT INTO a VALUES ('-- Dump completed');\n"))).toBeUndefined();
  });

  test('an RDB file is the last record and its checksum, without the mark of a replica', () => {
    const rdb = end({ of: 'redis' }, 'redis-cli', 'yes');
    expect(rdb?.surplus(Buffer.concat([Buffer.alloc(40), record, sum]))).toBe(0);
    expect(rdb?.surplus(Buffer.concat([record, sum, mark]))).toBe(40);
    expect(rdb?.surplus(Buffer.concat([Buffer.alloc(41), sum]))).toBeUndefined();
    expect(rdb?.surplus(Buffer.from('short'))).toBeUndefined();
  });

  test('a tar of SQLite is a line of ours with the exit code of tar, which is no part of it', () => {
    const tar = end({ of: 'sqlite', file: '/srv/a b.db' }, 'app', 'wal');
    expect(tar?.surplus(Buffer.from('\0\0\0\nend 0\n'))).toBe(7);
    expect(tar?.surplus(Buffer.from('\0\0\0\nend 1\n'))).toBe(7);
    expect(tar?.surplus(Buffer.from('\0\0\0\nend 2\n'))).toBeUndefined();
    expect(tar?.surplus(Buffer.from('\0\0\0'))).toBeUndefined();
  });
});

test('a database of SQLite without a log says who waits', () => {
  expect(plan({ of: 'sqlite', file: '/srv/a b.db' }, 'app', 'delete').notes[0]).toContain('waits while it is read');
  const { dumps, notes } = plan({ of: 'sqlite', file: '/srv/a b.db' }, 'app', 'wal');
  expect(notes).toEqual([]);
  expect(dumps[0]?.args).toEqual(['app', 'file:/srv/a%20b.db?mode=rw', '/srv', 'a b.db']);
});
