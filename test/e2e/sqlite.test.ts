/**
 * SQLite under programs that write and read all the time, saved from Btrfs under a reading transaction: with a log and without,
 * also where these programs have given up what a power cut needs, and with transactions over two files. Each restored copy
 * passes SQLite's own checks and is a state between two transactions: all that was answered before the hold is in it, and nothing that was begun
 * after the instant.
 */
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backupsInNamespaces } from '../support/namespace-backups.ts';
import { overPrograms, SQLITE_PACKAGES } from '../support/quiesce/servers.ts';
import { type BtrfsHost, startBtrfsHost, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { unpackDebian } from '../support/snapshot/debian-overlay.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { numbersIn } from '../support/writers/journal.ts';
import { ACCOUNTS, BUILT, schemaOf, secondOf } from '../support/writers/sqlite-writer.ts';

const ROUNDS = Number(process.env['STILLPOINT_ROUNDS'] ?? 1);
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'programs');
const whyNot = (await whyNoBtrfsHost()) ?? (await unpackDebian(root, SQLITE_PACKAGES));
const WRITER = join(import.meta.dirname, '../support/writers/sqlite-writer.ts');
const FILE = '/run/app/app.db';

interface World {
  readonly name: string;
  readonly mode: 'wal' | 'delete';
  /** What each program that uses it sets. */
  readonly settings: string;
  readonly hasSecond?: boolean;
}

const WORLDS: readonly World[] = [
  { name: 'with a log', mode: 'wal', settings: 'PRAGMA wal_autocheckpoint = 100' },
  {
    ...{ name: 'with a log that nobody synchronises', mode: 'wal' },
    settings: 'PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 100',
  },
  { name: 'without a log, over two files', mode: 'delete', settings: '', hasSecond: true },
  {
    ...{ name: 'without a log, and with its journal in memory', mode: 'delete' },
    settings: 'PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY',
  },
];

describe.each(WORLDS)('SQLite $name', ({ name, mode, settings, hasSecond = false }) => {
  let world: BtrfsHost;
  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  afterEach(async () => {
    await world?.sh('touch /run/over; sleep 1');
    await world?.[Symbol.asyncDispose]();
  });
  const files = hasSecond ? [FILE, secondOf(FILE)] : [FILE];

  const start = async (): Promise<void> => {
    world = await startBtrfsHost(
      'btrfs -q subvolume create /mnt/@app; mkdir /run/app; mount -o subvol=@app $disk /run/app',
      { megabytes: 1024 },
    );
    const attach = hasSecond ? `ATTACH '${secondOf(FILE)}' AS second;` : '';
    const run = (role: string, journal: string, number: number): string =>
      `setsid '${process.execPath}' --no-warnings '${WRITER}' ${role} ${FILE} '${settings}' /run/${journal} ${number} </dev/null >>/run/said 2>&1 &`;
    await world.sh(`${overPrograms(root)}sqlite3 -bail ${FILE} "PRAGMA journal_mode = ${mode}; ${attach} ${schemaOf(hasSecond)}" >/dev/null
${[1, 2, 3].map((each) => run('move', `journal.${each}`, each)).join('\n')}
${run('build', 'built', 0)}
${mode === 'wal' ? `${run('read', '-', 3)}\n` : ''}${run('read', '-', 0.02)}
until [ -s /run/journal.1 ] && [ -s /run/journal.2 ] && [ -s /run/journal.3 ] && [ -s /run/built ]; do [ ! -s /run/said ] || { cat /run/said >&2; exit 1; }; sleep 0.1; done`);
  };

  test(
    'each copy passes its checks, and has what was answered before, and nothing that was begun after',
    async () => {
      const signal = AbortSignal.timeout(60_000 + ROUNDS * 45_000);
      await start();
      const backups = await backupsInNamespaces(world, join(folder.path, name.replaceAll(/\W/g, '-')));
      for (let round = 1; round <= ROUNDS; round += 1) {
        const quiesce = files.map((file) => ({ of: 'sqlite', file }) as const);
        const report = await backups.save(['/run/app'], { quiesce }, signal);
        expect(report.consistency).toBe('application');
        const begins = Math.min(...report.holds.map(({ fromUptime }) => fromUptime));
        const [instant] = report.snapshots.map((each) => each.instant);
        const held = Math.max(
          ...report.holds.map(({ untilUptime = 0, record }) => untilUptime - Number(record?.['asked at uptime'])),
        );
        console.log(`SQLite ${name}, round ${round}: within ${held.toFixed(2)} s`);
        const target = await backups.restore(`restored-${round}`);
        const copy = await world.sh(`cd ${target}/run/app
ls -A >&2
sqlite3 -bail app.db "PRAGMA integrity_check; PRAGMA foreign_key_check; SELECT sum(money) FROM accounts; SELECT count(*) FROM (SELECT count(*) AS n FROM built GROUP BY batch) WHERE n <> ${BUILT}"
${hasSecond ? 'sqlite3 -bail app.db-second "PRAGMA integrity_check"' : 'echo ok'}
sqlite3 -bail app.db "SELECT count(*) FROM changes"
sqlite3 -bail app.db${hasSecond ? '-second' : ''} "SELECT max(number), count(*) FROM moves GROUP BY writer ORDER BY writer"`);
        const [whole, sum, torn, second, changes, ...moves] = copy.trim().split('\n');
        expect({ whole, sum, torn, second }).toEqual({
          ...{ whole: 'ok', sum: String(ACCOUNTS * 1000), torn: '0', second: 'ok' },
        });
        const counts = moves.map((line) => line.split('|').map(Number) as [number, number]);
        // Both files have the same transactions.
        expect(Number(changes)).toBe(2 * counts.reduce((all, [, count]) => all + count, 0));
        const journals = await Promise.all([1, 2, 3].map((each) => world.sh(`cat /run/journal.${each}`)));
        for (const [writer, journal] of journals.entries()) {
          const [number = 0, count] = counts[writer] ?? [];
          const [least, most] = numbersIn(journal, { doneBefore: begins, begunAfter: instant?.beforeUptime ?? 0 });
          expect(count).toBe(number);
          expect(number).toBeGreaterThanOrEqual(least);
          expect(number).toBeLessThanOrEqual(most);
        }
        await world.sh(`rm -rf ${target}`);
      }
      expect(await world.sh('cat /run/said')).toBe('');
      expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    },
    60_000 + ROUNDS * 45_000,
  );
});
