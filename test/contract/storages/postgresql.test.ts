/** PostgreSQL, of which nothing is held, and a copy recovers: a real server in namespaces of this machine. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { newRunId } from '../../../shared/domain/names.ts';
import type { PostgresqlHold } from '../../../shared/domain/quiesce.ts';
import { holdOf, postgresql } from '../../../shared/quiesce/postgresql/hook.ts';
import { lookAtServers } from '../../../shared/quiesce/postgresql/look.ts';
import { blocksOf } from '../../support/page-commands.ts';
import { holdOnce } from '../../support/quiesce/hold-once.ts';
import { reading } from '../../support/quiesce/reading.ts';
import { overPrograms, POSTGRESQL_PACKAGES, psql, startPostgresql, TOOK } from '../../support/quiesce/servers.ts';
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
    // As of several instants, which takes the same steps and a few more. What lasts is the session in which it is asked before and after; that is what this suite looks at.
    const isHeldScript = `[ "$(${OURS})" = 1 ]`;
    return {
      ...world,
      hook: (terms) => ({
        ...postgresql,
        plan: (_source, run) => [
          {
            ...holdOf(
              { of: 'postgresql', seconds: terms.deadlineSeconds },
              { run, name: 'postgresql-0', holds: terms.holds, joins: { instants: ['a'], last: 'a' } },
            ),
          },
        ],
      }),
      isHeld: async () => (await world.sh(`! ${isHeldScript} || echo held`)) === 'held',
      isHeldScript,
      letGoScript: `${PSQL} -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stillpoint'" >/dev/null; i=0; until [ "$(${OURS})" = 0 ]; do sleep 0.1; done`,
      spoiledBy: [`${PSQL} -c CHECKPOINT`],
      async withoutFreezing(work) {
        await world.sh(`${PSQL} -c 'ALTER SYSTEM SET fsync = off' -c 'SELECT pg_reload_conf()'; sleep 0.5`);
        await work();
        await world.sh(`${PSQL} -c 'ALTER SYSTEM RESET fsync' -c 'SELECT pg_reload_conf()'; sleep 0.5`);
      },
      record: {
        ...TOOK,
        server: expect.stringMatching(/^PostgreSQL 15\./) as unknown,
        system: expect.stringMatching(/^\d{19}$/) as unknown,
        'recovers from': expect.stringMatching(/^0\/[0-9A-F]+$/) as unknown,
        'position afterwards': expect.stringMatching(/^0\/[0-9A-F]+$/) as unknown,
      },
      evidence: { joins: { volumes: [], last: '' } },
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

  test('says where it has its files, and how they are of one instant, or come to be', async () => {
    await world.sh(`${PSQL} -c "CREATE TABLESPACE far LOCATION '/run/space'"`);
    const seen = await look({ of: 'postgresql' });
    expect(seen.lacks).toEqual([]);
    expect(seen.places.map(({ path }) => path.toString())).toEqual([
      '/run/pg/data',
      '/run/pg/data/pg_wal',
      '/run/space',
    ]);
    const plan = (instantOf: (path: string) => string, facts: object = {}) =>
      postgresql.plan(
        { quiesce: [{ of: 'postgresql' }] } as never,
        newRunId(),
        reading({
          look: { ...seen, facts: { ...seen.facts, ...facts } },
          instantsOf: ({ path }) => [instantOf(path.toString())],
        }),
      );
    const [alone] = plan(() => 'one');
    expect(alone).toMatchObject({ guarantees: 'recovers', label: 'PostgreSQL' });
    expect(alone).not.toHaveProperty('joins');
    expect(plan((path) => path)).toMatchObject([
      {
        joins: { instants: ['/run/pg/data', '/run/pg/data/pg_wal', '/run/space'], last: '/run/pg/data/pg_wal' },
        risk: expect.stringContaining('told to write a checkpoint at once') as unknown,
      },
    ]);
    expect(() => plan(() => 'live')).toThrow('would be read where they lie');
    const refused = (facts: object) => () => plan((path) => path, facts);
    expect(refused({ 'standby-0': 'yes' })).toThrow(
      'lie on 3 volumes, whose snapshots are not of one instant, and it is a standby',
    );
    expect(refused({ 'log-0': 'minimal' })).toThrow('its log does not have everything');
    expect(refused({ 'flush-0': 'may not' })).toThrow('may not write the checkpoint');
    const moved = postgresql.plan(
      { quiesce: [{ of: 'postgresql' }] } as never,
      newRunId(),
      reading({ look: { ...seen, facts: { ...seen.facts, 'places-0': '0'.repeat(32) } } }),
    );
    expect(moved[0]?.freeze.args.join('')).toContain('a tablespace was made or removed since the plan was made');
  });

  test('is asked by an account with exactly the rights of the page, and refused by name without one of them', async () => {
    const [page = ''] = await blocksOf('docs/consistency.md', 'PostgreSQL', 'sql');
    expect(page).toBe('GRANT pg_read_all_settings TO backup;\n');
    await world.sh(`${PSQL} -c 'CREATE ROLE backup LOGIN'; echo 'backup:x:96:96::/:/bin/sh' >> /etc/passwd`);
    const least: PostgresqlHold = { of: 'postgresql', hostUser: 'backup' };
    const holding = (hold: PostgresqlHold) =>
      holdOnce(world.host, postgresql, (run) => holdOf(hold, { run, name: 'p', holds: 'until-snapshots' }));
    const held = { result: { held: [{ provedUptime: expect.any(Number) as unknown }] } };
    expect((await look(least)).lacks).toEqual([
      {
        message: 'The account that is used on PostgreSQL may not see where its data is.',
        advice: 'Give it what it needs: GRANT pg_read_all_settings TO …',
      },
    ]);
    await world.sh(`${PSQL} -c '${page.trim()}'`);
    expect((await look(least)).lacks).toEqual([]);
    expect(await holding(least)).toMatchObject(held);
    const flushing = { ...least, checkpoint: true };
    expect((await look(flushing)).lacks).toMatchObject([
      { advice: expect.stringContaining('GRANT pg_checkpoint TO …') as unknown },
    ]);
    await world.sh(`${PSQL} -c 'GRANT pg_checkpoint TO backup'`);
    expect((await look(flushing)).lacks).toEqual([]);
    expect(await holding(flushing)).toMatchObject(held);
  });

  test('is refused where a copy of one instant may be damaged, or nobody is let in', async () => {
    await world.sh(`${PSQL} -c 'ALTER SYSTEM SET full_page_writes = off' -c 'SELECT pg_reload_conf()'; sleep 0.5
${PSQL} -c 'CREATE ROLE weak LOGIN' -c 'GRANT pg_read_all_settings TO weak'; echo 'weak:x:97:97::/:/bin/sh' >> /etc/passwd`);
    const { lacks } = await look(
      { of: 'postgresql' },
      { of: 'postgresql', port: 5433 },
      { of: 'postgresql', hostUser: 'nobody' },
      { of: 'postgresql', hostUser: 'weak', checkpoint: true },
    );
    await world.sh(`${PSQL} -c 'ALTER SYSTEM RESET full_page_writes' -c 'SELECT pg_reload_conf()'`);
    expect(lacks.map(({ message }) => message)).toEqual([
      expect.stringContaining('runs with "fsync" or "full_page_writes" off'),
      expect.stringContaining('PostgreSQL at port 5433 cannot be asked: it said "there is no server at the socket'),
      expect.stringContaining("role 'nobody' does not exist"),
      expect.stringContaining('with "fsync" or "full_page_writes" off'),
      'The account that is used on PostgreSQL may not write a checkpoint.',
    ]);
  });
});
