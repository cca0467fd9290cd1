/** A cold backup of a real host: services are stopped while the snapshots are made, and run again; or somebody is told at once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEventBody } from '../../shared/domain/events.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups, type GuestOrder } from '../support/guest-backups.ts';
import { needing } from '../support/needing.ts';
import { warningsOf } from '../support/restoring.ts';

describe('a cold backup', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  const signal = AbortSignal.timeout(600_000);
  const events: RunEventBody[] = [];
  const order: GuestOrder = { paths: ['/srv/files'], stop: ['shop'] };
  let backups: GuestBackups;
  const save = (facts: Partial<GuestOrder> = {}): Promise<BackupReport> => {
    events.length = 0;
    return backups.save({ ...order, ...facts }, (event) => void events.push(event));
  };
  const sh = (script: string): Promise<string> => guest.must(script, { signal });

  /** The writer holds its file half written for most of the time; when it is stopped it completes it. */
  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    backups = await backupsOf(guest, signal);
    await sh(`cat > /usr/local/bin/shop <<'END'
#!/bin/sh
[ ! -e /etc/shop.broken ] || exit 1
trap 'echo whole > /srv/files/state; exit 0' TERM
while :; do echo half > /srv/files/state; sleep 0.2; done
END
chmod 755 /usr/local/bin/shop
printf '[Service]\\nExecStart=/usr/local/bin/shop\\n' > /etc/systemd/system/shop.service
systemctl daemon-reload; systemctl start shop`);
  }, 300_000);
  afterAll(() => guest?.[Symbol.asyncDispose]());

  test('is planned with what is stopped and for how long', async () => {
    const plan = await backups.plan(order);
    expect(plan.consistency).toBe('cold');
    const does = plan.steps.flatMap((step) => step.does);
    expect(does).toContain('stop the service "shop", for 300 s at most');
    expect(does).toContain('start the service "shop" again');
  });

  test('is planned with the services that it stops until all is read, by no other words', async () => {
    const { consistency, steps } = await backups.plan({ ...order, paths: ['/etc'], withoutSnapshot: 'read-live' });
    expect(consistency).toBe('cold');
    const does = steps.flatMap((step) => step.does);
    expect(does).toContain('stop the service "shop", for 14400 s at most');
    expect(does).toContain('start the service "shop" again once all has been read');
    expect(does.join()).not.toMatch(/\bstill\b/);
    // What is read is read before the host is let go, and no step does nothing.
    expect(steps.map((step) => step.command?.name)).toEqual([
      ...['sweep-host', 'arm-lease', 'take-snapshots', undefined, 'release-lease'],
    ]);
  });

  test('is cold, and the service runs again before anything is read', async () => {
    const report = await save();
    expect(report).toMatchObject({ consistency: 'cold', holds: [{ what: 'the service "shop"' }] });
    const [hold] = report.holds;
    expect((hold?.untilUptime ?? 0) - (hold?.fromUptime ?? 0)).toBeLessThan(60);
    expect(
      (await sh('systemctl is-active shop; ls /var/lib/stillpoint /run/stillpoint 2>&1 || :')).split('\n')[0],
    ).toBe('active');
    expect(await sh('ls -d /var/lib/stillpoint /run/stillpoint 2>/dev/null || :')).toBe('');
  });

  test('stops a service until the last read where there is no snapshot, and is cold then, too', async () => {
    // What is stopped writes to nothing, so files of a database are not refused.
    await sh('echo x > /etc/shop.sqlite-wal');
    const report = await save({ paths: ['/etc'], withoutSnapshot: 'read-live' });
    expect(report).toMatchObject({ consistency: 'cold', snapshots: [], missingCount: 0 });
    expect((await sh('systemctl is-active shop')).trim()).toBe('active');
  });

  test('of a service that does not come back fails as loudly as anything can, and keeps what it saved', async () => {
    // It breaks while it is stopped.
    await sh(`mkdir -p /etc/systemd/system/shop.service.d
printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=\\nExecStart=/bin/sh -c "[ ! -e /etc/shop.broken ]"\\nExecStop=/bin/touch /etc/shop.broken\\n' > /etc/systemd/system/shop.service.d/breaks.conf
systemctl stop shop; systemctl daemon-reload; rm -f /etc/shop.broken; systemctl start shop`);
    await expect(save()).rejects.toMatchObject({
      code: 'quiesce.thaw-failed',
      message: 'On "lab" the service "shop" did not come back.',
      advice: expect.stringContaining('NOW') as string,
    });
    expect(warningsOf(events)).toContain('On "lab" the service "shop" did not come back.');
    expect(events).toContainEqual(expect.objectContaining({ type: 'cleanup-failed' }));
    // The host goes on trying.
    await sh(
      'rm /etc/shop.broken; for i in $(seq 60); do systemctl -q is-active shop && exit 0; sleep 1; done; exit 1',
    );
  });

  test('of a service that is not there is refused before anything is stopped', async () => {
    const refusal = {
      code: 'quiesce.freeze-failed',
      message: 'Something cannot be held still on "lab". There is no service "none".',
    };
    await expect(backups.plan({ ...order, stop: ['shop', 'none'] })).rejects.toMatchObject(refusal);
    await expect(save({ stop: ['shop', 'none'] })).rejects.toMatchObject(refusal);
    expect(events.map(({ type }) => type)).not.toContain('lease-armed');
    expect((await sh('systemctl is-active shop')).trim()).toBe('active');
  });
});
