/**
 * Thin volumes on a real host: a real pool that another writer fills up, a real udev and a real dmeventd. Our snapshot goes
 * before the pool is full, whoever asks learns why, and the origin goes on.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import { hostName, newRunId, ownerId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { inspect } from '../../shared/pipeline/inspect.ts';
import { planBackup } from '../../shared/pipeline/plan-backup.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { renewLease, sweepHost } from '../../shared/snapshot/host/commands.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import type { ReadableSnapshot } from '../../shared/snapshot/provider.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { judgeSet, mountSet, planSnapshots } from '../../shared/snapshot/snapshot-set.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';
import { takeSet } from '../support/snapshot/take-set.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const owner = ownerId('00112233aabb');
describe('thin volumes of one pool', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  let host: RemoteHost;
  const signal = AbortSignal.timeout(600_000);
  const failures: unknown[] = [];
  const source = (...paths: string[]) => ({
    ...{ name: sourceName('thin'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
    paths: paths.map((path) => Buffer.from(path)),
  });
  const spec = () => ({
    ...{ name: hostName('lab'), ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' as const },
    ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
  });
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  /** Another writer, who fills the pool of 256 MiB to so many percent; each time he goes on where he ended. */
  let end = 0;
  const fillTo = async (percent: number): Promise<void> => {
    const status = await must('dmsetup status --noflush vg0-small-tpool');
    const [, used = 0, total = 0] = (/ \d+\/\d+ (\d+)\/(\d+) - rw /.exec(status) ?? []).map(Number);
    const mebibytes = Math.ceil(((total * percent) / 100 - used) / 16);
    await must(
      `dd if=/dev/urandom of=/dev/vg0/other bs=1M seek=${end} count=${mebibytes} conv=fsync,notrunc status=none`,
    );
    end += mebibytes;
  };
  const empty = async (): Promise<void> => {
    await must('blkdiscard /dev/vg0/other');
    end = 0;
  };
  const backend = createMemoryBackend();
  /** The same connection, which no run closes; before content is read, `then` happens. */
  const lent = (then = async (): Promise<void> => undefined): RemoteHost => ({
    name: host.name,
    run: (command, own) => host.run(command, own),
    async stream(command, input, own) {
      if (command.name === 'pack-files') await then();
      return await host.stream(command, input, own);
    },
    [Symbol.asyncDispose]: async () => undefined,
  });
  const save = (paths: readonly string[], through = lent()): Promise<BackupReport> =>
    backup(
      { source: source(...paths), host: spec(), acceptClockSkew: false },
      {
        openHost: async () => through,
        openRepository: (open) => openRepository(backend, PASSWORD, open),
        ...{ registry: REGISTRY, owner, runs: noRuns(), clock: systemClock, logger: silentLogger },
        ...{ emit: () => undefined, workFolder: guest.directory },
      },
      signal,
    );
  const plan = (...paths: string[]): Promise<BackupPlan> =>
    planBackup(
      { source: source(...paths), host: spec() },
      { owner, dead: [] },
      { host, clock: systemClock, registry: REGISTRY },
      signal,
    );
  const points = async (): Promise<number> => {
    await using repository = await openRepository(backend, PASSWORD, signal);
    return (await repository.listRestorePoints(signal)).points.length;
  };
  const volumes = (): Promise<string> => must(`lvs --noheadings -o lv_name -S 'lv_name=~"^sp_"' vg0`);
  /** A lease that nobody renews, and a mounted snapshot of /mnt/one under it. */
  const hold = async (run: RunId): Promise<{ lease: Lease; snapshots: readonly ReadableSnapshot[] }> => {
    const clock = { ...systemClock, sleep: (_ms: number, stop: AbortSignal) => aborted(stop) };
    const lease = await acquireLease(
      { run, owner, leaseSeconds: 600, mounts: 1, holds: 0 },
      {
        ...{ host, scripts: REGISTRY.scripts, clock, logger: silentLogger },
        onReleaseFailed: (error) => failures.push(error),
      },
      signal,
    );
    const survey = await surveyHost(host, { clock: systemClock, registry: REGISTRY }, signal);
    const own = survey.volumes.filter(({ volume }) => volume.label === 'vg0/one');
    const identity = { run, owner };
    const planned = planSnapshots(own, source('/mnt/one'), { survey, registry: REGISTRY, identity });
    const { taken } = await takeSet(planned, REGISTRY, host, signal);
    return { lease, snapshots: await mountSet(taken, REGISTRY, host, lease, signal) };
  };

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    host = await connectHost(
      { name: 'lab', ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' },
      {
        ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
        homeFolder: '/nonexistent',
      },
      signal,
    );
    await (await createTestRepository(backend)).close();
    await must(`exec 2>/dev/null
lvcreate -qq -y --type thin-pool -n small -L 256m vg0
for name in one two; do lvcreate -qq -y -n $name -V 320m --thinpool small vg0; mkdir /mnt/$name; done
lvcreate -qq -y -n other -V 240m --thinpool small vg0
mkfs.ext4 -q /dev/vg0/one; mkfs.xfs -q /dev/vg0/two
mount /dev/vg0/one /mnt/one; mount /dev/vg0/two /mnt/two
for name in one two; do echo "kept on $name" > /mnt/$name/note; head -c 3000000 /dev/urandom > /mnt/$name/data; done; sync`);
  }, 300_000);
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    const left = [...failures.splice(0), ...(await guest.traces({ signal }))];
    if (left.length > 0) throw new Error(`The host is not as it was: ${JSON.stringify(left)}`);
  });

  test('are saved in one run, each at an instant of its own, of which the skew is measured', async () => {
    const planned = await plan('/mnt/one', '/mnt/two');
    expect(planned.consistency).toBe('crash-skewed');
    expect(planned.snapshots).toMatchObject([
      { volume: 'vg0/two', sizeBytes: 0 },
      { volume: 'vg0/one', sizeBytes: 0 },
    ]);
    expect(planned.risks).toEqual(
      ['vg0/two', 'vg0/one'].map((name) => expect.stringContaining(`${name} has no room of its own`) as unknown),
    );
    const report = await save(['/mnt/one', '/mnt/two']);
    expect(report).toMatchObject({ consistency: 'crash-skewed', bytesTotal: 6_000_024, missingCount: 0 });
    const [two, one] = report.snapshots.map(({ instant }) => instant);
    expect(two?.beforeUptime).toBeLessThanOrEqual(one?.afterUptime ?? 0);
    expect(report.skewMs).toBeGreaterThan(0);
    expect(report.skewMs).toBeLessThan(60_000);
  });

  test('keep their names by file system, their monitor and their flags while a snapshot stands', async () => {
    const run = newRunId();
    const links =
      'udevadm settle; for n in one two; do readlink -f /dev/disk/by-uuid/$(blkid -s UUID -o value /dev/vg0/$n); done';
    const devices = await must('readlink -f /dev/vg0/one; readlink -f /dev/vg0/two');
    expect(await must(links)).toBe(devices);
    const { lease, snapshots } = await hold(run);
    await using _released = lease;
    expect(await must(links)).toBe(devices);
    const name = snapshots[0]?.planned.snapshot;
    const facts = await must(
      `lvs --noheadings -o lv_attr,origin,lv_tags vg0/${name}; lvs --noheadings -o seg_monitor vg0/small`,
    );
    expect(facts.trim().split(/\s+/)).toEqual([
      ...['Vwi-aotz-k', 'one', `sp.owner=${owner},sp.run=${run},stillpoint`],
      'monitored',
    ]);
    // As at the start of the host, or by an administrator: what has the flag stays as it is.
    await must(
      `read -r pid ns < /run/stillpoint/${run}/keeper; kill -KILL $pid; sleep 1; lvchange -an vg0/${name}; vgchange -qq -ay vg0`,
    );
    expect(await must(`lvs --noheadings -o lv_attr vg0/${name}`)).toContain('Vwi---tz-k');
    expect((await lease.release()).removed).toEqual([`vg0/${name}`]);
    expect(await must(links)).toBe(devices);
  });

  test('are refused with numbers and remedy where the pool is too full to begin', async () => {
    await fillTo(84);
    try {
      const { volumes: seen, pools } = await inspect(
        hostName('lab'),
        host,
        { clock: systemClock, registry: REGISTRY },
        signal,
      );
      expect(seen.find(({ label }) => label === 'vg0/one')?.snapshot).toEqual({ possible: true, provider: 'lvm-thin' });
      expect(pools.find(({ name }) => name === 'vg0/small')).toMatchObject({
        kindWords: 'thin pool',
        sizeBytes: 2 ** 28,
      });
      await expect(plan('/mnt/one')).rejects.toMatchObject({
        code: 'snapshot.no-room',
        message: expect.stringMatching(
          /^The data of the thin pool "vg0\/small" on "lab" is 8\d % full \(2\d\d MiB of 256 MiB\)/,
        ) as unknown,
        advice: expect.stringMatching(/^"lvextend -L \+\d+m vg0\/small" makes it larger\.$/) as unknown,
      });
      // What is offered is what helps.
      const { advice } = (await plan('/mnt/one').catch((error: unknown) => error)) as { advice: string };
      await must(`${/^"([^"]+)"/.exec(advice)?.[1]} -qq -y --test`);
    } finally {
      await empty();
    }
  });

  test('lose their snapshot and not their room when somebody fills the pool in the middle of a backup', async () => {
    await fillTo(75);
    const before = await points();
    let flooded = false;
    const flooding = lent(async () => {
      flooded = true;
      await fillTo(94);
      await eventually(async () => (await volumes()) === '', 'the watchman has removed the snapshot');
    });
    await must('head -c 3000000 /dev/urandom > /mnt/one/new');
    await expect(save(['/mnt/one'], flooding)).rejects.toMatchObject({
      code: 'snapshot.given-up',
      message: expect.stringMatching(
        /^The watchman on "lab" gave up the snapshot "vg0\/sp_\w+" .*: the data of "vg0\/small" was 9\d % full \(2\d\d MiB of 256 MiB\)\.$/,
      ) as unknown,
      details: { where: 'vg0/small', what: 'data', totalBytes: 2 ** 28 },
    });
    expect(flooded).toBe(true);
    expect(await points()).toBe(before);
    // The origin goes on: there is room left, and what was there is there.
    await must('head -c 2000000 /dev/urandom > /mnt/one/afterwards; sync -f /mnt/one');
    expect(await must('cat /mnt/one/note; rm /mnt/one/new /mnt/one/afterwards')).toBe('kept on one\n');
    await empty();
  });

  test('are refused, and lose their snapshot, where the metadata of their pool fill up while its data have room', async () => {
    await must(`exec 2>/dev/null
lvcreate -qq -y --type thin-pool -n narrow -L 400m --poolmetadatasize 4m -c 64k vg0
lvcreate -qq -y -n three -V 64m --thinpool narrow vg0; lvcreate -qq -y -n wide -V 200m --thinpool narrow vg0
mkfs.ext4 -q /dev/vg0/three; mkdir /mnt/three; mount /dev/vg0/three /mnt/three; echo "kept on three" > /mnt/three/note
head -c 3000000 /dev/urandom > /mnt/three/data; sync; dd if=/dev/zero of=/dev/vg0/wide bs=1M count=200 conv=fsync`);
    /** Each snapshot of a volume that is then written to here and there has leaves of its own, which are metadata. */
    const fillMetadataTo = (percent: number): Promise<string> =>
      must(`exec 2>/dev/null
status() { dmsetup status --noflush vg0-narrow-tpool | sed 's|.* thin-pool [0-9]* \\([0-9]*\\)/\\([0-9]*\\) .*|\\1 \\2|'; }
device=$(dmsetup table vg0-wide | cut -d ' ' -f 5); next=$(cat /run/next || echo 1000)
while set -- $(status); [ $(($1 * 100)) -lt $(($2 * ${percent})) ]; do
  dmsetup suspend vg0-wide; dmsetup message vg0-narrow-tpool 0 "create_snap $next $device"; dmsetup resume vg0-wide
  next=$((next + 1)); echo $next > /run/next
  perl -e 'open my $d, "+<", "/dev/vg0/wide" or die; for (0 .. 16) { sysseek $d, $_ * 12 << 20, 0; syswrite $d, "x" }'
  sync -f /dev/vg0/wide; blockdev --flushbufs /dev/vg0/wide
done; status`);
    const before = await points();
    await fillMetadataTo(60);
    expect(await plan('/mnt/three')).toMatchObject({ snapshots: [{ volume: 'vg0/three' }] });
    let flooded = '';
    const flooding = lent(async () => {
      flooded = await fillMetadataTo(86);
      await eventually(async () => (await volumes()) === '', 'the watchman has removed the snapshot');
    });
    await expect(save(['/mnt/three'], flooding)).rejects.toMatchObject({
      code: 'snapshot.given-up',
      message: expect.stringMatching(
        /: the metadata of "vg0\/narrow" was 8\d % full \(3\S* MiB of 4\S* MiB\)\.$/,
      ) as unknown,
      details: { where: 'vg0/narrow', what: 'metadata', totalBytes: 2 ** 22 },
    });
    expect(flooded).not.toBe('');
    expect(await points()).toBe(before);
    // The pool takes writes as before, and its data were never the matter.
    expect(await must('dmsetup status --noflush vg0-narrow-tpool')).toMatch(/ rw /);
    await must('head -c 2000000 /dev/urandom > /mnt/three/afterwards; sync -f /mnt/three');
    expect(await must('cat /mnt/three/note')).toBe('kept on three\n');
    const refused = (await plan('/mnt/three').catch((error: unknown) => error)) as { message: string; advice: string };
    expect(refused).toMatchObject({
      code: 'snapshot.no-room',
      message: expect.stringMatching(/^The metadata of the thin pool "vg0\/narrow" on "lab" is 8\d % full/) as unknown,
    });
    // What is offered is what helps.
    await must(`${/^"([^"]+)"/.exec(refused.advice)?.[1]} -qq -y`);
    await expect(save(['/mnt/three'])).resolves.toMatchObject({ consistency: 'crash' });
    await must('exec 2>/dev/null; umount /mnt/three; lvremove -qq -y vg0/narrow');
  });

  test('lose it also while no client is there, who hears afterwards why', async () => {
    const run = newRunId();
    await fillTo(75);
    const { lease, snapshots } = await hold(run);
    await using _released = lease;
    await must(`read -r pid ns < /run/stillpoint/${run}/keeper
setsid nsenter --mount=/proc/$pid/ns/mnt sleep 600 < ${snapshots[0]?.path} >/dev/null 2>&1 &`);
    await fillTo(94);
    await eventually(async () => (await volumes()) === '', 'the watchman has removed the snapshot');
    await must('echo on > /mnt/one/on; sync -f /mnt/one; rm /mnt/one/on');
    await empty();
    expect((await host.run(sweepHost(REGISTRY.scripts, owner), signal)).kept).toEqual([
      { object: `/run/stillpoint/${run}`, reason: 'a run is using it now' },
    ]);
    await expect(judgeSet(snapshots, REGISTRY, host, lease, signal)).rejects.toMatchObject({
      code: 'snapshot.given-up',
    });
    expect((await host.run(renewLease(run, 600), signal)).threat).toMatchObject({ where: 'vg0/small', what: 'data' });
    expect(lease.signal.reason).toMatchObject({ code: 'snapshot.given-up' });
    expect(await lease.release()).toEqual({ removed: [], kept: [] });
  });

  test('leave a snapshot of ours alone that has lost its origin: it may be all that is left', async () => {
    const run = newRunId();
    const tags = `--addtag stillpoint --addtag sp.run=${run} --addtag sp.owner=${owner}`;
    const name = `sp_${run}_11111111`;
    await must(`exec 2>/dev/null; lvcreate -qq -y -n lost -V 16m --thinpool small vg0; lvcreate -qq -y -s -n ${name} ${tags} vg0/lost
lvcreate -qq -y -s -n theirs vg0/${name}; lvremove -qq -y vg0/lost`);
    const swept = await host.run(sweepHost(REGISTRY.scripts, owner), signal);
    expect(swept).toEqual({
      removed: [],
      kept: [{ object: `vg0/${name}`, reason: 'its origin is gone, so it may be all that is left of that' }],
    });
    // LVM's own selection says the same: asked past our look, it finds nothing to remove.
    await must(`${REGISTRY.scripts.reap}\nsp_lvm_drop vg0/${name} '' stillpoint sp.run=${run} sp.owner=${owner}`);
    expect(await must(`lvs --noheadings -o lv_name vg0/${name} vg0/theirs`)).toMatch(/theirs/);
    await must(`lvremove -qq -y vg0/${name} vg0/theirs`);
  });

  test('are refused where a layer of theirs is no thin volume, or the pool is in trouble', async () => {
    await must(`exec 2>/dev/null; lvcreate -qq -y -n base -L 16m vg0; mkfs.ext4 -q /dev/vg0/base; lvchange -an vg0/base; lvchange -p r vg0/base
lvcreate -qq -y --type thin -n over --thinpool small vg0/base; mkdir /mnt/over; mount /dev/vg0/over /mnt/over`);
    const reason = async (place: string): Promise<string> => {
      const { volumes: seen } = await inspect(
        hostName('lab'),
        host,
        { clock: systemClock, registry: REGISTRY },
        signal,
      );
      const found = seen.find(({ mountpoints }) => mountpoints.includes(place));
      return found === undefined ? 'not mounted' : found.snapshot.possible ? 'possible' : found.snapshot.reason;
    };
    expect(await reason('/mnt/over')).toContain('external origin');
    await must('umount /mnt/over; lvremove -qq -y vg0/over; lvremove -qq -y vg0/base');
    await must('dmsetup suspend --noflush --nolockfs vg0-small-tpool');
    try {
      expect(await reason('/mnt/one')).toContain('the thin pool "vg0/small" is suspended');
    } finally {
      await must('dmsetup resume vg0-small-tpool');
    }
    expect(await reason('/mnt/one')).toBe('possible');
  });
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
