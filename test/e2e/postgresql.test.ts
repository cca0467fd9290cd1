/**
 * PostgreSQL under writers, saved from Btrfs while they write: with all of its files of one instant, and with its data, its log
 * and a tablespace of three. Each restored copy recovers from where the proof says, passes its own checkers, and holds of each
 * writer's journal what was committed up to one position of the log, and nothing that was begun after it.
 */
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backupsInNamespaces, type NamespaceBackups } from '../support/namespace-backups.ts';
import { blocksOf } from '../support/page-commands.ts';
import { overPrograms, POSTGRESQL_PACKAGES, pgProgram, psql, startPostgresql } from '../support/quiesce/servers.ts';
import { type BtrfsHost, startBtrfsHost, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { unpackDebian } from '../support/snapshot/debian-overlay.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Of one instant, and of several. */
const rounds = (instants: number): number => Number(process.env['STILLPOINT_ROUNDS'] ?? Math.min(instants, 2));
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'programs');
const whyNot = (await whyNoBtrfsHost()) ?? (await unpackDebian(root, POSTGRESQL_PACKAGES));
const [VARIABLES = '', LINKS = '', START = '', STOP = ''] = await blocksOf('docs/database-copies.md', 'PostgreSQL');

/**
 * Three sessions move money between accounts of their own, whose sum stays, number what they do, and write down after each
 * commit where the log was. The accounts take several times the room that the server has in memory, so that pages reach the
 * disk all the time. A fourth one makes tables with an index, and removes them: the server writes these past its memory.
 */
const writers = (space: string): string => `
${psql()} -c 'CREATE TABLE accounts (id int PRIMARY KEY, money int, pad text) ${space}; CREATE TABLE moves (writer int, number int, PRIMARY KEY (writer, number)); INSERT INTO accounts SELECT id, 1000, repeat(md5(id::text), 30) FROM generate_series(1, 3000) id'
for writer in 1 2 3; do
  setsid sh -c 'i=0; while [ ! -e /run/over ]; do i=$((i + 1)); a=$((i * 389 % 1000 * 3 + $1)) b=$((i * 617 % 1000 * 3 + $1)); echo "BEGIN; UPDATE accounts SET money = money - 5 WHERE id = $a; UPDATE accounts SET money = money + 5 WHERE id = $b; INSERT INTO moves VALUES ($1, $i); COMMIT; SELECT $i, pg_current_wal_insert_lsn();"; done | ${psql()} -v ON_ERROR_STOP=1 > /run/journal.$1' sh $writer </dev/null >/dev/null 2>&1 &
done
setsid sh -c 'i=0; while [ ! -e /run/over ]; do i=$((i + 1)); t=built_$((i % 2)); echo "DROP TABLE IF EXISTS $t; CREATE TABLE $t ${space} AS SELECT id, md5(id::text) AS text FROM generate_series(1, 3000) id; CREATE INDEX ON $t (text); VACUUM accounts; SELECT $i;"; done | ${psql()} > /run/journal.built' </dev/null >/dev/null 2>&1 &
until [ -s /run/journal.3 ] && [ -s /run/journal.built ]; do sleep 0.1; done`;

/** A table is there with all of its rows, or is not there. */
const BUILT = `DO $$ DECLARE t text; n int; BEGIN
  FOREACH t IN ARRAY ARRAY['built_0', 'built_1'] LOOP
    CONTINUE WHEN to_regclass(t) IS NULL;
    EXECUTE 'SELECT count(*) FROM ' || t INTO n;
    IF n <> 3000 THEN RAISE EXCEPTION '% has % rows', t, n; END IF;
  END LOOP;
END $$`;

interface World {
  readonly name: string;
  /** In the Btrfs; each is a volume with an instant of its own. */
  readonly volumes: readonly string[];
  readonly start: string;
}

const SETTINGS = ['shared_buffers=1MB', 'max_wal_size=256MB', 'log_checkpoints=off'];
const WORLDS: readonly World[] = [
  {
    ...{ name: 'of one instant', volumes: ['pg'] },
    start: `${startPostgresql('/run/pg', { settings: SETTINGS })}\n${writers('')}`,
  },
  {
    ...{ name: 'of three instants', volumes: ['log', 'space', 'pg'] },
    start: `chown 98:98 /run/space
${startPostgresql('/run/pg', { log: '/run/log/wal', settings: SETTINGS })}
${psql()} -c "CREATE TABLESPACE far LOCATION '/run/space'"\n${writers('TABLESPACE far')}`,
  },
];

describe.each(WORLDS)('PostgreSQL under writers, $name', ({ volumes, start }) => {
  let world: BtrfsHost;
  let backups: NamespaceBackups;
  const own = join(folder.path, `of-${volumes.length}`);
  const ROUNDS = rounds(volumes.length);
  const signal = AbortSignal.timeout(230_000 + ROUNDS * 60_000);

  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    const mounting = volumes.map(
      (name) =>
        `btrfs -q subvolume create /mnt/@${name}; mkdir /run/${name}; mount -o subvol=@${name} $disk /run/${name}`,
    );
    world = await startBtrfsHost(mounting.join('\n'), { megabytes: 4096 });
    await world.sh(`${overPrograms(root)}${start}`);
    backups = await backupsInNamespaces(world, own);
  });
  afterAll(async () => {
    await world?.sh('touch /run/over');
    await world?.[Symbol.asyncDispose]();
  });

  const save = (): Promise<BackupReport> =>
    backups.save(
      volumes.map((name) => `/run/${name}`),
      { quiesce: [{ of: 'postgresql' }] },
      signal,
    );

  /** Starts the restored copy as the page says, and asks it. */
  const recover = async (target: string): Promise<Recovered> => {
    expect(VARIABLES.match(/^\w+(?==)/gm)).toEqual(['restored', 'copy', 'place', 'bin']);
    const ask = psql('/run/copy');
    const said =
      await world.sh(`restored=${target} copy=${target}/run/pg/data place=/run/copy bin=/usr/lib/postgresql/15/bin
postgres=98; runuser() { shift 3; setpriv --reuid 98 --regid 98 --clear-groups "$@"; }
chmod 755 ${folder.path} ${own} ${target}{,/run,/run/*}; chown -R 98:98 ${target}/run/*
{
${LINKS}
${START}
} >&2
grep -o 'redo [a-z ]* at [0-9A-F/]*' /run/copy/log
${ask} -c "SELECT number || ' ' || count FROM (SELECT writer, max(number) AS number, count(*) FROM moves GROUP BY writer) each ORDER BY writer"
${ask} -c 'SELECT sum(money) FROM accounts'
${ask} -c "$(cat <<'END_OF_BUILT'
${BUILT}
END_OF_BUILT
)"
${pgProgram('pg_amcheck')} -h /run/copy --heapallindexed --install-missing postgres >&2
{
${STOP}
${pgProgram('pg_checksums')} --check -D "$copy"
} >&2
rm -rf /run/copy ${target}`);
    const [starts = '', done = '', ...lines] = said.trim().split('\n');
    const sum = lines.pop();
    return {
      from: starts.replace('redo starts at ', ''),
      until: lsn(done.replace('redo done at ', '')),
      ...{ sum, moves: lines.map((line) => line.split(' ').map(Number) as [number, number]) },
    };
  };
  /** Of each writer, where the log was after each of its commits; the first is number 1. */
  const journals = async (): Promise<readonly (readonly bigint[])[]> => {
    const text = await world.sh('for w in 1 2 3; do cat /run/journal.$w; echo; done');
    return text.split('\n\n').map((journal) =>
      journal.split('\n').flatMap((line, index) => {
        const [, number, position = ''] = /^(\d+)\|([0-9A-F]+\/[0-9A-F]+)$/.exec(line) ?? [];
        return Number(number) === index + 1 ? [lsn(position)] : [];
      }),
    );
  };

  test(
    'each copy starts, passes its checkers, and is a state between two transactions',
    async () => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const before = await journals();
        const report = await save();
        expect(report.consistency).toBe('application');
        const [hold] = report.holds;
        const record = hold?.record ?? {};
        console.log(
          `PostgreSQL, round ${round}: answered within ${record['answered within seconds']} s, skew ${report.skewMs} ms`,
        );
        const copy = await recover(await backups.restore(`restored-${round}`));
        expect(copy.sum).toBe('3000000');
        if (volumes.length > 1) expect(copy.from).toBe(record['recovers from']);
        expect(copy.until).toBeLessThan(lsn(record['position afterwards'] ?? ''));
        for (const [writer, journal] of (await journals()).entries()) {
          const [number = 0, count] = copy.moves[writer] ?? [];
          // Without a gap: as many as the last one's number.
          expect(count).toBe(number);
          expect(number).toBeGreaterThanOrEqual(before[writer]?.length ?? 0);
          // All that was committed up to where the recovery ended, and nothing that was begun after that.
          expect(number).toBeGreaterThanOrEqual(journal.filter((position) => position <= copy.until).length);
          expect(journal[number - 2] ?? 0n).toBeLessThanOrEqual(copy.until);
        }
      }
      expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    },
    200_000 + ROUNDS * 60_000,
  );
});

interface Recovered {
  /** Where in the log the recovery began, and where it ended. */
  readonly from: string;
  readonly until: bigint;
  /** Of each writer the number of its last move, and how many there are. */
  readonly moves: readonly (readonly [number, number])[];
  readonly sum: string | undefined;
}

function lsn(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
