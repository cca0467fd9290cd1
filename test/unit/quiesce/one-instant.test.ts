/** What recovers from a copy of one instant, and from no other unless it is known how. */
import { expect, test } from 'vitest';
import { runId } from '../../../shared/domain/names.ts';
import { mariadb } from '../../../shared/quiesce/mariadb/hook.ts';
import { postgresql } from '../../../shared/quiesce/postgresql/hook.ts';
import { redis } from '../../../shared/quiesce/redis/hook.ts';
import { sqlite } from '../../../shared/quiesce/sqlite/hook.ts';
import { reading } from '../../support/quiesce/reading.ts';

test.each([
  ['mariadb', mariadb, 'MariaDB', 'application'],
  ['postgresql', postgresql, 'PostgreSQL', 'recovers'],
  ['redis', redis, 'Redis', 'application'],
  ['sqlite', sqlite, 'SQLite in "/db"', 'recovers'],
] as const)(
  '%s is refused where its files are of several instants, or would be read where they lie',
  (of, hook, label, guarantees) => {
    const places = ['/db', '/log'].map((path) => ({ what: `the data of ${label}`, path: Buffer.from(path) }));
    const plan = (instantOf: (path: string) => string) =>
      hook.plan(
        { quiesce: [{ of, file: '/db' }] } as never,
        runId('0123abcd'),
        reading({ look: { lacks: [], places, facts: {} }, instantsOf: ({ path }) => [instantOf(path.toString())] }),
      );
    expect(plan(() => 'one')).toMatchObject([{ label, guarantees }]);
    expect(() => plan((path) => path)).toThrow(
      `The files of ${label} lie on 2 volumes, whose snapshots are not of one instant`,
    );
    expect(() => plan((path) => (path === '/log' ? 'live' : 'one'))).toThrow(
      `Files of ${label} would be read where they lie`,
    );
  },
);
