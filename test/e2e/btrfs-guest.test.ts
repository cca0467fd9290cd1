/**
 * Btrfs on a real host, where systemd keeps the watchman and LVM is beside it: on a logical volume of its own, saved in one run
 * with a thick one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { hostName, newRunId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { sweepHost } from '../../shared/snapshot/host/commands.ts';
import { acquireLease } from '../../shared/snapshot/host/lease.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { mountSet, planSnapshots } from '../../shared/snapshot/snapshot-set.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups, OWNER as owner } from '../support/guest-backups.ts';
import { needing } from '../support/needing.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';
import { takeSet } from '../support/snapshot/take-set.ts';

/** Nobody renews by himself: time stands still for us, and goes on for the host. */
const stoppedClock: Clock = {
  ...systemClock,
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
};

describe('Btrfs on a logical volume of a real host', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  let host: RemoteHost;
  const signal = AbortSignal.timeout(500_000);
  const source = {
    ...{ name: sourceName('both'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
    paths: [Buffer.from('/srv/files'), Buffer.from('/srv/tree')],
  };
  let backups: GuestBackups;
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  const isClean = async (): Promise<boolean> =>
    (await guest.traces({ signal })).length === 0 &&
    !(await must('btrfs subvolume list /srv/tree')).includes('.stillpoint');
  /** A snapshot of /srv/tree, mounted, under a lease that nobody renews. */
  const hold = async (run: RunId, leaseSeconds: number): Promise<string> => {
    const survey = await surveyHost(host, { clock: systemClock, registry: REGISTRY }, signal);
    const volumes = survey.volumes.filter(({ volume }) => volume.mountpoints[0] === '/srv/tree');
    const plan = planSnapshots(volumes, source, { survey, registry: REGISTRY, identity: { run, owner } });
    const lease = await acquireLease(
      { run, owner, leaseSeconds, mounts: 1, holds: 0 },
      {
        ...{ host, scripts: REGISTRY.scripts, clock: stoppedClock, logger: silentLogger },
        onReleaseFailed: () => undefined,
      },
      signal,
    );
    const { taken } = await takeSet(plan, REGISTRY, host, signal);
    await mountSet(taken, REGISTRY, host, lease, signal);
    return taken[0]?.id ?? '';
  };

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    await must(`lvcreate -qq -y -n tree -L 600m vg0; mkfs.btrfs -q /dev/vg0/tree; modprobe btrfs; mkdir /srv/tree
mount /dev/vg0/tree /srv/tree; btrfs -q subvolume create /srv/tree/nested; btrfs -q subvolume create /srv/tree/nested/deep
echo thick > /srv/files/note; echo top > /srv/tree/note; echo nested > /srv/tree/nested/note; echo deep > /srv/tree/nested/deep/note`);
    backups = await backupsOf(guest, signal);
    host = await backups.connect();
  }, 300_000);
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  test('is saved in one run with a thick volume, by one critical section', async () => {
    const report = await backups.save({ paths: ['/srv/files', '/srv/tree'] });
    expect(report.consistency).toBe('crash-skewed');
    expect(report.snapshots.map(({ volume }) => volume).toSorted()).toEqual([
      ...['/dev/mapper/vg0-tree:/', '/dev/mapper/vg0-tree:/nested', '/dev/mapper/vg0-tree:/nested/deep', 'vg0/files'],
    ]);
    for (const [path, content] of Object.entries({
      ...{ '/srv/files/note': 'thick', '/srv/tree/note': 'top', '/srv/tree/nested/note': 'nested' },
      '/srv/tree/nested/deep/note': 'deep',
    })) {
      expect((await backups.content(report, path)).toString()).toBe(`${content}\n`);
    }
    await eventually(isClean, 'the host is as it was');
  }, 200_000);

  test('is rid of what a run made when nobody renews its lease', async () => {
    const id = await hold(newRunId(), 8);
    expect(await must('btrfs subvolume list /srv/tree')).toContain(id.replace(/.*\//, ''));
    await eventually(isClean, 'the watchman has taken everything back');
  }, 100_000);

  test('is swept after a restart that took /run and all processes', async () => {
    const run = newRunId();
    const id = await hold(run, 600);
    await must(`systemctl kill -s KILL stillpoint-${run}.service; read -r keeper ns < /run/stillpoint/${run}/keeper
kill -KILL "$keeper" 2>/dev/null; rm -rf /run/stillpoint; umount /srv/tree; mount /dev/vg0/tree /srv/tree`);
    expect(await host.run(sweepHost(REGISTRY.scripts, owner), signal)).toEqual({ removed: [id], kept: [] });
    expect(await isClean()).toBe(true);
  }, 100_000);
});
