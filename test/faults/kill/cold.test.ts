/**
 * The kill test of cold backups: before, in and after every step on the host, the client is killed, the connection is cut
 * for good, or the host's sshd is killed. Each time the services that were stopped run again by themselves within their
 * deadline, with what triggers them and what needs them, and the rest is as in `kill.test.ts`. How long they were down at
 * the worst is printed.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Guest, startGuest } from '../../lab/guest.ts';
import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { NO_RESTIC } from '../../support/restic.ts';
import { type KillLab, startKillLab, type UsualStrikes } from './kill-lab.ts';
import { strikeEach } from './strike-each.ts';

const whyNot = NO_RESTIC ?? (await reasonLabCannotRun());
const never = new AbortController().signal;
/** A service that tells when it went and came, one that needs it, and a socket that triggers it. */
const UNITS = `mkdir -p /run/lab
unit() { cat > "/etc/systemd/system/$1"; }
unit shop.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
ExecStartPost=/bin/sh -c 'read up idle < /proc/uptime; echo "start $up" >> /run/lab/shop.log'
ExecStop=/bin/sh -c 'read up idle < /proc/uptime; echo "stop $up" >> /run/lab/shop.log'
END
unit web.service <<'END'
[Unit]
Requires=shop.service
After=shop.service
[Service]
ExecStart=/bin/sleep infinity
END
unit shop.socket <<'END'
[Socket]
ListenStream=/run/shop.socket
END
systemctl daemon-reload; systemctl start shop.socket web.service`;

/** Of both kinds, in the order in which each runs first. */
const SHARED_STEPS = [
  ...['identify-account', 'sweep-host', 'identify-host', 'read-mounts', 'list-block-devices'],
  ...['list-logical-volumes', 'list-volume-groups', 'read-lvm-limits', 'read-thin-pools', 'list-datasets'],
  ...['find-absent-services', 'measure-mounts', 'resolve-paths', 'arm-lease', 'take-snapshots'],
  ...['list-tree', 'pack-files', 'release-lease'],
] as const;

const LEASE_SECONDS = 30;

let guest: Guest;
beforeAll(async () => {
  if (whyNot !== undefined) return;
  guest = await startGuest({}, never);
  await guest.must(UNITS, { signal: never });
});
afterAll(() => guest?.[Symbol.asyncDispose]());

interface ColdKind<Step extends string> {
  readonly folder: string;
  readonly withoutSnapshot?: 'read-live';
  readonly steps: readonly Step[];
  readonly usual: UsualStrikes<Step>;
  /** Services run again so long after they were stopped, at the latest. */
  readonly budgetSeconds: number;
}

function coldKills<Step extends string>(name: string, kind: ColdKind<Step>): void {
  describe(`a cold backup ${name}`, () => {
    let lab: KillLab;

    beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
    beforeAll(async () => {
      if (whyNot !== undefined) return;
      const { folder, withoutSnapshot } = kind;
      const what = { paths: [folder], stop: ['shop'], leaseSeconds: LEASE_SECONDS };
      lab = await startKillLab({ ...what, ...(withoutSnapshot && { withoutSnapshot }) }, guest);
      await guest.must(': > /run/lab/shop.log', { signal: never });
      await lab.expectNextBackup();
    });
    // Each backup has something to read.
    beforeEach(async () => void (await guest.must(`cat /proc/uptime > ${kind.folder}/note`, { signal: never })));
    afterAll(async () => {
      if (lab === undefined) return;
      console.log(
        `A cold backup ${name}: services were down for ${String(Math.max(...(await downtimes())))} s at the worst`,
      );
      await lab[Symbol.asyncDispose]();
    });

    /** Seconds of each time that the service was down; the last is not over where it is down still. */
    async function downtimes(): Promise<number[]> {
      const log = await guest.must('cat /run/lab/shop.log; sed "s/^/now /" /proc/uptime', { signal: never });
      const seconds: number[] = [];
      let since: number | undefined;
      for (const line of log.split('\n')) {
        const [word, up] = line.split(' ');
        if (word === 'stop') since = Number(up);
        else if (since !== undefined && up !== undefined) {
          seconds.push(Number((Number(up) - since).toFixed(1)));
          since = undefined;
        }
      }
      return seconds;
    }

    async function expectServices(): Promise<void> {
      const script = 'systemctl is-active shop.socket shop web | sort -u; ls -A /var/lib/stillpoint 2>/dev/null || :';
      // It says nothing while its sshd is down.
      const ask = async (): Promise<string> => (await guest.run(script, { signal: never })).stdout;
      await expect.poll(ask, { timeout: (kind.budgetSeconds + 30) * 1000, interval: 500 }).toBe('active\n');
      expect(Math.max(...(await downtimes()))).toBeLessThan(kind.budgetSeconds);
    }

    test('its steps on the host are those that are struck', async () => {
      const steps = new Set(await lab.stepsOfBackup());
      // How often it runs is a matter of time.
      steps.delete('renew-lease');
      expect(steps).toEqual(new Set(kind.steps));
    });

    strikeEach(
      kind,
      () => lab,
      async () => {
        await expectServices();
        await lab.expireLeases();
        await lab.expectCleanHost();
        await lab.expectWholeRepository();
        await lab.expectNextBackup();
        await expectServices();
      },
    );
  });
}

coldKills('by snapshots', {
  folder: '/srv/files',
  steps: [...SHARED_STEPS, 'mount-snapshots', 'list-ancestors', 'observe-snapshots'],
  usual: { 'take-snapshots': { in: 'sshd', after: 'connection' } },
  budgetSeconds: 60,
});

// Nobody else lets go before the end of the lease.
coldKills('without snapshots', {
  ...{ folder: '/etc', withoutSnapshot: 'read-live' },
  steps: [...SHARED_STEPS, 'ask-rights', 'read-clock', 'end-holds'],
  usual: { 'pack-files': { in: 'connection' } },
  budgetSeconds: LEASE_SECONDS + 60,
});
