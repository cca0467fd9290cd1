/**
 * MariaDB under a writer, held still by its own lock while snapshots of its volume and of another one are made, in the guest: each
 * restored copy starts, passes its own checker, and holds all that was committed before the hold and nothing that was begun
 * after it, with its log ending where the proof says.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { rehearseDatabase } from '../demo/rehearsal.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { committedBefore, type LivingWriter, startedBefore, startWriter } from '../lab/living-writer.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups } from '../support/guest-backups.ts';
import { restoreFrom } from '../support/restoring.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROUNDS = Number(process.env['STILLPOINT_ROUNDS'] ?? 2);
const whyNot = await reasonLabCannotRun();
const ns = (seconds = 0): bigint => BigInt(Math.round(seconds * 1000)) * 1_000_000n;

describe('MariaDB under a writer', () => {
  let guest: Guest;
  let backups: GuestBackups;
  let writer: LivingWriter;
  const signal = AbortSignal.timeout(270_000 + ROUNDS * 60_000);

  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    guest = await startGuest({}, signal);
    await guest.must(
      "printf '[mysqld]\\nlog_bin=log\\nsync_binlog=1\\n' > /etc/mysql/mariadb.conf.d/99-lab.cnf; systemctl restart mariadb",
      { signal },
    );
    backups = await backupsOf(guest, signal);
    writer = await startWriter(guest, { pauseMs: 2 }, signal);
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

  test(
    'each copy is of the moment at which it stood still',
    async () => {
      const held: number[] = [];
      for (let round = 1; round <= ROUNDS; round += 1) {
        await using folder = await temporaryFolder();
        const report: BackupReport = await backups.save(order);
        expect(report.consistency).toBe('application');
        const [hold] = report.holds;
        held.push(((hold?.untilUptime ?? 0) - (hold?.fromUptime ?? 0)) * 1000);
        await backups.writeOut(join(folder.path, 'repository'));
        const target = join(folder.path, 'restored');
        expect((await restoreFrom(join(folder.path, 'repository'), target, { signal })).error).toBeUndefined();
        const data = join(target, 'var/lib/mysql');
        const [file = '', position] = (hold?.record?.['binlog'] ?? '').split(':');
        expect((await stat(join(data, file))).size).toBe(Number(position));
        const found = await rehearseDatabase(guest, data, signal);
        expect(found).toMatchObject({ complaints: [], wrongChecksums: 0, lowestId: 1 });
        expect(found.rows).toBe(found.highestId);
        const journal = await writer.journal(signal);
        expect(found.rows).toBeGreaterThanOrEqual(committedBefore(journal, 'order', ns(hold?.fromUptime)));
        expect(found.rows).toBeLessThanOrEqual(startedBefore(journal, 'order', ns(hold?.provedUptime) + 10_000_000n));
      }
      const sorted = held.toSorted((a, b) => a - b);
      console.log(
        `MariaDB was held for ${Math.round(sorted[ROUNDS >> 1] ?? 0)} ms in the middle of ${ROUNDS}, ${Math.round(sorted.at(-1) ?? 0)} ms at most`,
      );
      expect(await guest.traces({ signal })).toEqual([]);
    },
    200_000 + ROUNDS * 60_000,
  );
});
