/**
 * MariaDB under a writer, held still by its own lock while snapshots of its volume and of another one are made, in the guest: each
 * restored copy starts as the page says, passes its own checker, and holds all that was committed before the hold and nothing
 * that was begun after it. From the position on record on, the binary log of the original brings it to where that is.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { repositoryName } from '../../shared/domain/names.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { summarise } from '../../shared/pipeline/browse.ts';
import { sendFolder } from '../demo/rehearsal.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { committedBefore, type LivingWriter, ordersCheck, startedBefore, startWriter } from '../lab/living-writer.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups } from '../support/guest-backups.ts';
import { blocksOf } from '../support/page-commands.ts';
import { restoreFrom } from '../support/restoring.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROUNDS = Number(process.env['STILLPOINT_ROUNDS'] ?? 1);
const whyNot = await reasonLabCannotRun();
const [VARIABLES = '', START = ''] = await blocksOf('docs/database-copies.md', 'MariaDB');
const [POSITION = '', REPLAY = '', STOP = ''] = await blocksOf('docs/database-copies.md', 'Up to a later moment');
const ns = (seconds = 0): bigint => BigInt(Math.round(seconds * 1000)) * 1_000_000n;
const namesIn = (block: string): readonly string[] => block.match(/^\w+(?==)/gm) ?? [];

/** How long it was held at the most, in milliseconds, and by whom. */
interface Held {
  readonly total: number;
  readonly database: number;
  readonly snapshots: number;
  readonly shell: number;
}

function heldIn({ holds: [hold], snapshots }: BackupReport): Held {
  const ms = (seconds: number): number => Math.round(seconds * 1000);
  const seconds = (key: string): number => Number(hold?.record?.[key]);
  const total = ms((hold?.untilUptime ?? 0) - seconds('asked at uptime'));
  const database = ms(seconds('answered within seconds'));
  const made = ms(snapshots.reduce((sum, { instant }) => sum + instant.beforeUptime - instant.afterUptime, 0));
  return { total, database, snapshots: made, shell: total - database - made };
}

/** A copy of the restored data in the guest. */
const COPY = '/var/tmp/copy';

describe('MariaDB under a writer', () => {
  let guest: Guest;
  let backups: GuestBackups;
  let writer: LivingWriter;
  const signal = AbortSignal.timeout(440_000 + ROUNDS * 90_000);

  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    guest = await startGuest({}, signal);
    await guest.must(
      "printf '[mysqld]\\nlog_bin=log\\nsync_binlog=1\\n' > /etc/mysql/mariadb.conf.d/99-lab.cnf; systemctl restart mariadb",
      { signal },
    );
    backups = await backupsOf(guest, signal);
    writer = await startWriter(guest, { pauseMs: 20 }, signal);
    await writer.waitForOrders(20, signal);
  });
  afterAll(async () => {
    await writer?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  const order = { paths: ['/var/lib/mysql', '/srv/files'], quiesce: [{ of: 'mariadb' }] } as const;

  test('the plan says what is held, and that the label will be that of the application', async () => {
    const plan = await backups.plan(order);
    expect(plan.consistency).toBe('application');
    expect(plan.steps.flatMap(({ does }) => does)).toEqual(
      expect.arrayContaining(['hold MariaDB still, for 20 s at most', 'release MariaDB']),
    );
  });

  test('the image of its volume may be what is saved of it, and not that of another volume', async () => {
    const image = (name: string) =>
      backups.plan({ paths: [], devices: [Buffer.from(`/dev/vg0/${name}`)], quiesce: order.quiesce });
    expect(await image('mysql')).toMatchObject({ consistency: 'application' });
    await expect(image('files')).rejects.toMatchObject({ code: 'quiesce.freeze-failed' });
  });
  const inCopy = `${namesIn(VARIABLES)[0]}=${COPY}; place=/run/copy; copy() { mariadb --socket=/run/copy/socket -N "$@"; }\n`;
  /** Rows, the lowest number and the highest, and how many are not as they were written. */
  const orders = async (script: string): Promise<readonly number[]> =>
    (await guest.must(`set -e\n${inCopy}${script}`, { signal })).trim().split('\t').map(Number);
  const PRINT_ORDERS = `copy -e ${JSON.stringify(ordersCheck)}`;

  test(
    'each copy is of the moment at which it stood still, and of where the log goes on',
    async () => {
      expect([namesIn(VARIABLES), namesIn(POSITION)]).toEqual([
        ['copy', 'place'],
        ['from', 'logs'],
      ]);
      const held: Held[] = [];
      for (let round = 1; round <= ROUNDS; round += 1) {
        await using folder = await temporaryFolder();
        const report: BackupReport = await backups.save(order);
        expect(report.consistency).toBe('application');
        const [hold] = report.holds;
        const times = heldIn(report);
        held.push(times);
        console.log(`MariaDB held in round ${round}: ${JSON.stringify(times)} ms`);
        await backups.writeOut(join(folder.path, 'repository'));
        const target = join(folder.path, 'restored');
        expect((await restoreFrom(join(folder.path, 'repository'), target, { signal })).error).toBeUndefined();
        const data = join(target, 'var/lib/mysql');
        const position = hold?.record?.['binlog'] ?? '';
        await using repository = await backups.open();
        const point = await repository.findRestorePoint(report.restorePoint, signal);
        expect(summarise(point, repositoryName('main')).holds).toMatchObject([
          { what: 'MariaDB', isProved: true, record: hold?.record },
        ]);
        const [file = '', end] = position.split(':');
        expect((await stat(join(data, file))).size).toBe(Number(end));

        await guest.must(`mkdir ${COPY}`, { signal });
        await sendFolder(guest, data, COPY, signal);
        const [rows = 0, lowest, highest, wrong] = await orders(
          `{\n${START.replace(/ &$/m, ' </dev/null >/dev/null 2>&1 &')}\n} > /run/said\n! grep -v 'OK$' /run/said >&2\n${PRINT_ORDERS}`,
        );
        expect({ lowest, highest, wrong }).toEqual({ lowest: 1, highest: rows, wrong: 0 });
        const journal = await writer.journal(signal);
        expect(rows).toBeGreaterThanOrEqual(committedBefore(journal, 'order', ns(hold?.fromUptime)));
        expect(rows).toBeLessThanOrEqual(startedBefore(journal, 'order', ns(hold?.provedUptime) + 10_000_000n));

        // What would be there twice or is missing would stop the replay, or leave a gap.
        const committed = committedBefore(await writer.journal(signal), 'order', ns(1e9));
        const [all = 0, first, last, bad] = await orders(
          `from=${position}; logs=/var/lib/mysql\n${REPLAY}\n${PRINT_ORDERS}`,
        );
        expect({ first, last, bad }).toEqual({ first: 1, last: all, bad: 0 });
        expect(all).toBeGreaterThanOrEqual(committed);
        const sum = `SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, payload, checksum))) FROM shop.orders WHERE id <= ${all}`;
        await guest.must(`${inCopy}[ "$(copy -e "${sum}")" = "$(mariadb -N -e "${sum}")" ]`, { signal });
        await guest.must(
          `${inCopy}${STOP}\nuntil [ ! -e /run/copy/pid ]; do sleep 0.1; done; rm -rf ${COPY} /run/copy`,
          {
            signal,
          },
        );
      }
      for (const key of ['total', 'database', 'snapshots', 'shell'] as const) {
        const sorted = held.map((each) => each[key]).toSorted((a, b) => a - b);
        console.log(
          `MariaDB held, ${key}: ${sorted[ROUNDS >> 1]} ms in the middle of ${ROUNDS}, ${sorted.at(-1)} ms at most`,
        );
      }
      expect(await guest.traces({ signal })).toEqual([]);
    },
    400_000 + ROUNDS * 90_000,
  );
});
