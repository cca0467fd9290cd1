/** ZFS without room, and what looks like a snapshot of ours. Run it with: npm run test:zfs */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { toErrorRecord } from '../../shared/base/errors.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { hostName, newRunId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import { lookForTraces, sweepHost } from '../../shared/snapshot/host/commands.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import type { TakenSnapshot } from '../../shared/snapshot/provider.ts';
import { mountSet, planSnapshots } from '../../shared/snapshot/snapshot-set.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { takeSet } from '../support/snapshot/take-set.ts';
import { makePool } from '../support/snapshot/zfs-host.ts';
import { owner, registryWith, startZfsWorld, type ZfsWorld } from '../support/snapshot/zfs-world.ts';

const MINUTE = 60_000;
const registry = registryWith();

describe('ZFS', needing(await reasonLabCannotRun()), () => {
  let world: ZfsWorld;
  const signal = AbortSignal.timeout(60 * MINUTE);
  const errorOf = (work: Promise<unknown>) => work.then(() => undefined, toErrorRecord);
  const ours = (): Promise<string> => world.must('zfs list -H -t snapshot -o name | grep @sp_ || :');
  const source = {
    ...{ name: sourceName('s'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
    paths: [Buffer.from('/srv/tank')],
  };
  /** Mounted snapshots of these datasets under a lease that nobody renews. */
  const hold = async (
    run: RunId,
    datasets: readonly string[],
  ): Promise<{ lease: Lease; taken: readonly TakenSnapshot[] }> => {
    const clock = { ...systemClock, sleep: (_ms: number, stop: AbortSignal) => aborted(stop) };
    const lease = await acquireLease(
      { run, owner, leaseSeconds: 600, mounts: datasets.length, holds: 0 },
      {
        ...{ host: world.host, scripts: registry.scripts, clock, logger: silentLogger },
        onReleaseFailed: () => undefined,
      },
      signal,
    );
    const survey = await surveyHost(world.host, { clock: systemClock, registry }, signal);
    const volumes = survey.volumes.filter(({ volume }) => datasets.includes(volume.label));
    const plan = planSnapshots(volumes, source, { survey, registry, identity: { run, owner } });
    const { taken } = await takeSet(plan, registry, world.host, signal);
    await mountSet(taken, registry, world.host, lease, signal);
    return { lease, taken };
  };

  beforeAll(async () => {
    world = await startZfsWorld(
      `${makePool('tank', 384)}; ${makePool('target', 256)}
for name in one two quota refquota; do zfs create tank/$name; dd if=/dev/urandom of=/srv/tank/$name/data bs=1M count=20 status=none; done
zfs set quota=64m tank/quota; zfs set refquota=21m tank/refquota; zpool sync`,
      signal,
    );
  }, 15 * MINUTE);
  afterAll(() => world?.[Symbol.asyncDispose]());

  test(
    'without room is not snapshotted, and the numbers are said',
    async () => {
      await world.must('dd if=/dev/urandom of=/srv/tank/quota/fill bs=1M count=42 status=none; zpool sync');
      expect(await errorOf(world.plan(['/srv/tank/quota']))).toMatchObject({
        code: 'snapshot.no-room',
        message: expect.stringMatching(/of 64 MiB are left .* "tank\/quota"/) as unknown,
      });
      await world.must('rm /srv/tank/quota/fill; zpool sync');
      // What counts for a refquota are no snapshots: one that is used up is in nobody's way.
      await world.must(
        'dd if=/dev/urandom of=/srv/tank/refquota/fill bs=1M count=4 status=none 2>/dev/null || :; zpool sync',
      );
      expect((await world.plan(['/srv/tank/refquota'])).snapshots).toHaveLength(1);
    },
    10 * MINUTE,
  );

  test(
    'is given up by the watchman before writers have no room, and all of it comes back',
    async () => {
      const run = newRunId();
      const { lease } = await hold(run, ['tank/one', 'tank/two']);
      expect((await ours()).trim().split('\n')).toHaveLength(2);
      // What is written goes into new room; near the limit by as little at a time as the watchman can look at.
      await world.must(`free() { zfs list -Hp -o available tank; }
while [ "$(free)" -gt 30000000 ]; do dd if=/dev/zero bs=1M count=8 status=none >> /srv/tank/one/more; zpool sync tank; done
i=0; while zfs list -H -t snapshot -o name | grep -q @sp_; do
  i=$((i + 1)); [ $i -lt 100 ] || exit 1
  dd if=/dev/zero bs=256k count=4 status=none >> /srv/tank/one/more || { echo full > /root/full; break; }
  zpool sync tank; sleep 2
done; rm /srv/tank/one/more`);
      expect(await world.must('cat /root/full 2>/dev/null || :')).toBe('');
      const lost = await errorOf(lease.renew(signal));
      expect(lost).toMatchObject({
        code: 'snapshot.given-up',
        message: expect.stringMatching(/the room of "tank" was \d+ % full/) as unknown,
      });
      await lease.release();
      expect(await ours()).toBe('');
    },
    15 * MINUTE,
  );

  test(
    'that is no snapshot of ours is left alone by a sweep, and named',
    async () => {
      const run = newRunId();
      const name = (end: string): string => `sp_${run}_0000000${end}`;
      const marks = (whose: string): string => `-o stillpoint:run=${run} -o stillpoint:owner=${whose}`;
      await world.must(`
# Without marks; with marks that its dataset has; of another owner; one that a clone needs; held by somebody; a copy; ours.
zfs snapshot tank/one@${name('1')}
zfs set stillpoint:run=${run} tank/two; zfs set stillpoint:owner=${owner} tank/two; zfs snapshot tank/two@${name('2')}
zfs snapshot ${marks('ffffffffffff')} tank/one@${name('3')}
zfs snapshot ${marks(owner)} tank/one@${name('4')}; zfs clone tank/one@${name('4')} tank/made
zfs snapshot ${marks(owner)} tank/one@${name('5')}; zfs hold others tank/one@${name('5')}
zfs snapshot ${marks(owner)} tank/one@${name('6')}; zfs send -p tank/one@${name('6')} | zfs receive target/copy`);
      const foreseen = await world.host.run(lookForTraces(registry.scripts, owner, []), signal);
      const swept = await world.host.run(sweepHost(registry.scripts, owner, []), signal);
      expect(foreseen).toEqual(swept);
      expect(swept.removed).toEqual([`tank/one@${name('6')}`]);
      expect(swept.kept.toSorted((a, b) => a.object.localeCompare(b.object))).toEqual(
        [
          { object: `tank/one@${name('1')}`, reason: 'it does not bear our mark' },
          { object: `tank/one@${name('3')}`, reason: 'it belongs to another Stillpoint' },
          { object: `tank/one@${name('4')}`, reason: 'something was made of it that needs it' },
          { object: `tank/one@${name('5')}`, reason: 'it is in use' },
          { object: `tank/two@${name('2')}`, reason: 'it does not bear our mark' },
          { object: `target/copy@${name('6')}`, reason: 'it does not bear our mark' },
        ].toSorted((a, b) => a.object.localeCompare(b.object)),
      );
      await world.must(`zfs release others tank/one@${name('5')}; zfs destroy tank/made`);
      expect((await world.host.run(sweepHost(registry.scripts, owner, []), signal)).removed.toSorted()).toEqual([
        `tank/one@${name('4')}`,
        `tank/one@${name('5')}`,
      ]);
      await world.must(
        `zfs destroy tank/one@${name('1')},${name('3')}; zfs destroy tank/two@${name('2')}; zfs inherit stillpoint:run tank/two; zfs inherit stillpoint:owner tank/two; zfs destroy -r target/copy`,
      );
    },
    10 * MINUTE,
  );

  test(
    'in a pool that the kernel suspended is asked nothing, so that the watchman does not wait for ever',
    async () => {
      await world.must(
        `lvcreate -qq -y -n under -L 200m vg0; zpool create -O mountpoint=/srv/frail -o failmode=wait frail /dev/vg0/under`,
      );
      const run = newRunId();
      const { lease } = await hold(run, ['frail']);
      await world.must(`dmsetup suspend vg0-under; size=$(blockdev --getsz /dev/vg0/under)
dmsetup table vg0-under > /root/table; echo "0 $size error" | dmsetup load vg0-under; dmsetup resume vg0-under
( echo x > /srv/frail/x; sync ) >/dev/null 2>&1 </dev/null &
i=0; until grep -q SUSPENDED /proc/spl/kstat/zfs/frail/state; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 1; done`);
      const lost = await errorOf(
        lease
          .renew(signal)
          .then(() => new Promise((resolve) => setTimeout(resolve, 10_000)))
          .then(() => lease.renew(signal)),
      );
      expect(lost).toMatchObject({
        code: 'snapshot.given-up',
        message: expect.stringMatching(/state "SUSPENDED"/) as unknown,
      });
      const { kept } = await world.host.run(sweepHost(registry.scripts, owner, []), signal);
      expect(kept).toContainEqual({
        object: 'the pool frail',
        reason: expect.stringContaining('its state is SUSPENDED') as unknown,
      });
      await world.must(
        `dmsetup load vg0-under < /root/table; dmsetup suspend vg0-under; dmsetup resume vg0-under; zpool clear frail`,
      );
      await lease.release();
      expect(await ours()).toBe('');
      await world.must('zpool destroy frail; lvremove -qq -y vg0/under');
    },
    15 * MINUTE,
  );
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
