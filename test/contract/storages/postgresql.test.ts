/** PostgreSQL, of which nothing is held where all of it is of one instant: a real server in namespaces of this machine. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { newRunId } from '../../../shared/domain/names.ts';
import type { PostgresqlHold } from '../../../shared/domain/quiesce.ts';
import { holdOf, postgresql } from '../../../shared/quiesce/postgresql/hook.ts';
import { lookAtServers } from '../../../shared/quiesce/postgresql/look.ts';
import { reading } from '../../support/quiesce/reading.ts';
import { overPrograms, POSTGRESQL_PACKAGES, psql, startPostgresql } from '../../support/quiesce/servers.ts';
import { unpackDebian } from '../../support/snapshot/debian-overlay.ts';
import { startFolderCopyHost } from '../../support/snapshot/provider-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type HookFixture, hookContract } from '../hook.ts';

const PSQL = psql();
const OURS = `${PSQL} -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stillpoint'"`;

function postgresqlFixture(root: string) {
  return async (): Promise<HookFixture> => {
    const world = await startFolderCopyHost();
    await world.sh(`${overPrograms(root)}mkdir -p /run/space; chown 98:98 /run/space${startPostgresql('/run/pg')}
${PSQL} -c 'CREATE TABLE orders (id serial PRIMARY KEY)'`);
    // What lasts is the session in which it is asked before and after; that is what this suite looks at.
    const isHeldScript = `[ "$(${OURS})" = 1 ]`;
    return {
      ...world,
      hook: (terms) => ({
        ...postgresql,
        plan: (_source, run) => [
          {
            ...holdOf(
              { of: 'postgresql', seconds: terms.deadlineSeconds },
              { run, name: 'postgresql-0', holds: terms.holds },
            ),
          },
        ],
      }),
      isHeld: async () => (await world.sh(`! ${isHeldScript} || echo held`)) === 'held',
      isHeldScript,
      letGoScript: `${PSQL} -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stillpoint'" >/dev/null; i=0; until [ "$(${OURS})" = 0 ]; do sleep 0.1; done`,
      async withoutFreezing(work) {
        await world.sh(`${PSQL} -c 'ALTER SYSTEM SET fsync = off' -c 'SELECT pg_reload_conf()'; sleep 0.5`);
        await work();
        await world.sh(`${PSQL} -c 'ALTER SYSTEM RESET fsync' -c 'SELECT pg_reload_conf()'; sleep 0.5`);
      },
      record: {
        server: expect.stringMatching(/^PostgreSQL 15\./) as unknown,
        system: expect.stringMatching(/^\d{19}$/) as unknown,
        'position afterwards': expect.stringMatching(/^0\/[0-9A-F]+$/) as unknown,
      },
      folder: '/run/copied',
      slowness: 2,
    };
  };
}

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'postgresql');
const whyNot = await unpackDebian(root, POSTGRESQL_PACKAGES);
hookContract('PostgreSQL', whyNot, postgresqlFixture(root), 'each program in a thorough run');

describe('a server of PostgreSQL', () => {
  let world: HookFixture;
  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot === undefined) world = await postgresqlFixture(root)();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  const look = (...wanted: readonly PostgresqlHold[]) => world.host.run(lookAtServers(wanted), never);

  test('says where it has its files, and the plan asks whether they are of one instant', async () => {
    await world.sh(`${PSQL} -c "CREATE TABLESPACE far LOCATION '/run/space'"`);
    const seen = await look({ of: 'postgresql' });
    expect(seen.lacks).toEqual([]);
    expect(seen.places.map(({ path }) => path.toString())).toEqual([
      '/run/pg/data',
      '/run/pg/data/pg_wal',
      '/run/space',
    ]);
    const plan = (instantOf: (path: string) => string) =>
      postgresql.plan(
        { quiesce: [{ of: 'postgresql' }] } as never,
        newRunId(),
        reading({ look: seen, instantOf: ({ path }) => instantOf(path.toString()) }),
      );
    expect(plan(() => 'one')).toMatchObject([{ guarantees: 'recovers', label: 'PostgreSQL' }]);
    expect(() => plan((path) => path)).toThrow(
      'The files of PostgreSQL lie on 3 volumes, whose snapshots are not of one instant',
    );
    expect(() => plan(() => 'live')).toThrow('would be read where they lie');
  });

  test('is refused where a copy of one instant may be damaged, or nobody is let in', async () => {
    await world.sh(`${PSQL} -c 'ALTER SYSTEM SET full_page_writes = off' -c 'SELECT pg_reload_conf()'; sleep 0.5`);
    const { lacks } = await look(
      { of: 'postgresql' },
      { of: 'postgresql', port: 5433 },
      { of: 'postgresql', hostUser: 'nobody' },
    );
    await world.sh(`${PSQL} -c 'ALTER SYSTEM RESET full_page_writes' -c 'SELECT pg_reload_conf()'`);
    expect(lacks.map(({ message }) => message)).toEqual([
      expect.stringContaining('runs with "fsync" or "full_page_writes" off'),
      expect.stringContaining('PostgreSQL at port 5433 cannot be asked: it said "there is no server at the socket'),
      expect.stringContaining("role 'nobody' does not exist"),
    ]);
  });
});
