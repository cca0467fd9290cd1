/**
 * PostgreSQL under a writer, saved from Btrfs while it writes: each restored copy starts, passes its own checker, and holds a
 * prefix of what was committed, with all that was committed before the backup began.
 */
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import {
  overPrograms,
  POSTGRESQL_PACKAGES,
  pgProgram,
  psql,
  servePostgresql,
  startPostgresql,
} from '../support/quiesce/servers.ts';
import { restoreFrom } from '../support/restoring.ts';
import { type BtrfsHost, startBtrfsHost, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { unpackDebian } from '../support/snapshot/debian-overlay.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const ROUNDS = Number(process.env['STILLPOINT_ROUNDS'] ?? 3);
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'programs');
const whyNot = (await whyNoBtrfsHost()) ?? (await unpackDebian(root, POSTGRESQL_PACKAGES));

/** Three sessions move money between accounts of their own, whose sum stays, and number what they do. */
const WRITERS = `
${psql()} -c 'CREATE TABLE accounts (id int PRIMARY KEY, money int); CREATE TABLE moves (writer int, number int, PRIMARY KEY (writer, number)); INSERT INTO accounts SELECT id, 1000 FROM generate_series(1, 200) id'
for writer in 1 2 3; do
  setsid sh -c 'i=0; while [ ! -e /run/over ]; do i=$((i + 1)); a=$((i * 7 % 60 * 3 + $1)) b=$((i * 13 % 60 * 3 + $1)); echo "BEGIN; UPDATE accounts SET money = money - 5 WHERE id = $a; UPDATE accounts SET money = money + 5 WHERE id = $b; INSERT INTO moves VALUES ($1, $i); COMMIT; SELECT $i;"; done | ${psql()} -v ON_ERROR_STOP=1 > /run/journal.$1' sh $writer </dev/null >/dev/null 2>&1 &
done
until [ -s /run/journal.3 ]; do sleep 0.1; done`;

describe('PostgreSQL under writers', () => {
  let world: BtrfsHost;
  const repository = join(folder.path, 'repository');
  const signal = AbortSignal.timeout(230_000 + ROUNDS * 30_000);

  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    world = await startBtrfsHost(
      'cd /mnt; btrfs -q subvolume create @pg; cd /; mkdir /run/pg; mount -o subvol=@pg $disk /run/pg',
      {
        megabytes: 2048,
      },
    );
    await world.sh(`${overPrograms(root)}${startPostgresql('/run/pg')}\n${WRITERS}`);
    await (await createTestRepository(createLocalBackend(repository))).close();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const save = (): Promise<BackupReport> =>
    backup(
      {
        source: {
          ...{ name: sourceName('s'), host: hostName('paper'), repository: repositoryName('main'), exclude: [] },
          ...{ paths: [Buffer.from('/run/pg')], quiesce: [{ of: 'postgresql' }] },
        },
        host: {
          ...{ name: hostName('paper'), ssh: 'paper', sudo: 'none', sshConfigFile: undefined },
          ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
        },
        ...{ plan: undefined, acceptClockSkew: false },
      },
      {
        openHost: () => Promise.resolve(world.connect()),
        openRepository: (open) => openRepository(createLocalBackend(repository), PASSWORD, open),
        ...{ registry: REGISTRY, owner: ownerId('00112233aabb'), runs: noRuns(), clock: systemClock },
        ...{ logger: silentLogger, emit: () => undefined, workFolder: folder.path },
      },
      signal,
    );
  /** How many moves each writer was told are committed. */
  const committed = async (): Promise<readonly number[]> =>
    (await world.sh('for w in 1 2 3; do tail -n 2 /run/journal.$w | head -n 1; done')).split('\n').map(Number);

  test(
    'each copy starts, passes its checker, and is a state between two transactions',
    async () => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const before = await committed();
        const report = await save();
        const after = await committed();
        expect(report.consistency).toBe('application');
        const [hold] = report.holds;
        const target = join(folder.path, `restored-${round}`);
        expect((await restoreFrom(repository, target)).error).toBeUndefined();
        const copy = `${target}/run/pg/data`;
        const [moves = '', sums = '', position = ''] = (
          await world.sh(`rm -f ${copy}/postmaster.pid; mkdir -p /run/copy; chown 98:98 /run/copy; chown -R 98:98 ${copy}
chmod 755 ${folder.path} ${target} ${target}/run
${servePostgresql(copy, '/run/copy')}
${psql('/run/copy')} -c "SELECT string_agg(number || ' ' || count, ',' ORDER BY writer) FROM (SELECT writer, max(number) AS number, count(*) FROM moves GROUP BY writer) each"
${psql('/run/copy')} -c 'SELECT sum(money) FROM accounts'
${psql('/run/copy')} -c "SELECT '${hold?.record?.['position afterwards'] ?? ''}'::pg_lsn >= pg_current_wal_insert_lsn() - 1000"
${pgProgram('pg_amcheck')} -h /run/copy --heapallindexed --install-missing postgres >&2
kill "$(head -n 1 ${copy}/postmaster.pid)"; while [ -e ${copy}/postmaster.pid ]; do sleep 0.05; done`)
        ).split('\n');
        // Each writer's moves without a gap: as many as the last one's number.
        const seen = moves.split(',').map((each) => each.split(' ').map(Number));
        for (const [number, count] of seen) expect(count).toBe(number);
        seen.forEach(([number = 0], writer) => {
          expect(number).toBeGreaterThanOrEqual(before[writer] ?? 0);
          expect(number).toBeLessThanOrEqual((after[writer] ?? 0) + 5000);
        });
        expect(sums).toBe('200000');
        expect(position).toBe('t');
        await world.sh(`rm -rf ${target}`);
      }
      await world.sh('touch /run/over');
      expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    },
    200_000 + ROUNDS * 30_000,
  );
});
