/**
 * The claim on a real host: real LVM, a real systemd, real overflow. What a run made goes away when it is released, when
 * nobody renews it and after a restart; what is not ours stays; and a snapshot that overflowed never becomes a restore
 * point.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { compileExcludes } from '../../shared/domain/exclude-patterns.ts';
import type { FillForecast } from '../../shared/domain/fill-forecast.ts';
import { hostName, newRunId, ownerId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { HostSpec } from '../../shared/domain/source.ts';
import { HeldHost } from '../../shared/pipeline/backup/hold-host.ts';
import { coverPaths, resolvePaths } from '../../shared/pipeline/backup/paths.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { planBackup } from '../../shared/pipeline/plan-backup.ts';
import { connectHost, type SudoMode } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { sweepHost } from '../../shared/snapshot/host/commands.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import { type ThickItem, type ThickOrder, thickItem } from '../../shared/snapshot/lvm/thick/item.ts';
import type { ReadableSnapshot } from '../../shared/snapshot/provider.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { judgeSet, mountSet, planSnapshots, type SnapshotPlan } from '../../shared/snapshot/snapshot-set.ts';
import { type Survey, surveyHost } from '../../shared/snapshot/survey.ts';
import type { Guest } from '../lab/guest.ts';
import { startGuest } from '../lab/guest.ts';
import type { GuestAlias } from '../lab/guest-ssh.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';
import { takeSet } from '../support/snapshot/take-set.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const obstacle = await reasonLabCannotRun();

const owner = ownerId('00112233aabb');
const EXTENT = 4 * 1024 * 1024;

/** Nobody renews by himself: time stands still for us, and goes on for the host. */
const stoppedClock: Clock = {
  ...systemClock,
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
};

describe('a lease on a real host', needing(obstacle), () => {
  let guest: Guest;
  let root: RemoteHost;
  let survey: Survey;
  const signal = AbortSignal.timeout(600_000);
  const failures: unknown[] = [];

  const connect = (alias: GuestAlias, sudo: SudoMode, password?: string): Promise<RemoteHost> =>
    connectHost(
      { name: 'lab', ssh: alias, sshConfigFile: guest.sshConfigFile, sudo },
      {
        prompter: { ask: async () => password, confirmHostKey: async () => false, settle: () => undefined },
        logger: silentLogger,
        clock: systemClock,
        agentSocket: undefined,
        homeFolder: '/root',
      },
      signal,
    );

  const acquire = (run: RunId, leaseSeconds: number, host = root, clock: Clock = systemClock): Promise<Lease> =>
    acquireLease(
      { run, owner, leaseSeconds, mounts: 1, holds: 0 },
      {
        host,
        scripts: REGISTRY.scripts,
        clock,
        logger: silentLogger,
        onReleaseFailed: (error) => failures.push(error),
      },
      signal,
    );

  const source = {
    ...{ name: sourceName('files'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
    paths: [Buffer.from('/srv/files')],
  };

  const hostSpec = (): HostSpec => ({
    ...{ name: source.host, ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' },
    ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
  });

  /** A plan for /srv/files with a snapshot of this many extents. */
  const planFor = (run: RunId, extents: number, changes: Partial<ThickOrder> = {}): SnapshotPlan => {
    const volumes = survey.volumes.filter((detected) => detected.volume.label === 'vg0/files');
    const identity = { run, owner };
    const plan = planSnapshots(volumes, source, { survey, registry: REGISTRY, identity });
    const items = plan.items.map((item) => {
      const { planned, volume, order } = item as ThickItem;
      return thickItem({ identity, planned, volume, order: { ...order, extents, leastExtents: extents, ...changes } });
    });
    return { ...plan, items };
  };

  const take = async (run: RunId, lease: Lease, extents: number): Promise<readonly ReadableSnapshot[]> => {
    const { taken } = await takeSet(planFor(run, extents), REGISTRY, root, signal);
    return await mountSet(taken, REGISTRY, root, lease, signal);
  };

  const isClean = async (): Promise<boolean> => (await guest.traces({ signal })).length === 0;
  const write = (file: string, mebibytes: number): Promise<string> =>
    guest.must(`dd if=/dev/urandom of=/srv/files/${file} bs=1M count=${mebibytes} conv=fsync status=none`, { signal });

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    root = await connect('lab', 'none');
    survey = await surveyHost(root, { clock: systemClock, registry: REGISTRY }, signal);
  }, 300_000);
  afterAll(async () => {
    await root?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    const left = [...failures.splice(0), ...(await guest.traces({ signal }))];
    if (left.length > 0) throw new Error(`The host is not as it was: ${JSON.stringify(left)}`);
  });

  test('is given back: mounted in its own namespace, gone after the release, and a second release does nothing', async () => {
    const run = newRunId();
    const lease = await acquire(run, 60);
    const [snapshot] = await take(run, lease, 64);
    expect(await guest.run(`ls ${snapshot?.path}`, { signal })).toMatchObject({ stdout: 'not-mounted\n' });
    const inside = await guest.must(
      `read -r pid ns < /run/stillpoint/${run}/keeper; nsenter --mount=/proc/$pid/ns/mnt cat ${snapshot?.path}/documents/note.txt; cat /proc/$pid/mountinfo`,
      { signal },
    );
    expect(inside).toContain(await guest.must('cat /srv/files/documents/note.txt', { signal }));
    // A slave of the host's namespace: what is unmounted there must not stay busy because of us.
    expect(inside).toMatch(/ \/var\/lib\/mysql [^\n]* master:\d+ /);
    await judgeSet(snapshot ? [snapshot] : [], REGISTRY, root, lease, signal);
    expect((await lease.release()).removed).toEqual([`vg0/${snapshot?.planned.snapshot}`]);
    expect(await isClean()).toBe(true);
    await lease.release();
    await lease[Symbol.asyncDispose]();
    await expect(lease.renew(signal)).rejects.toMatchObject({ code: 'snapshot.lease-lost' });
  });

  test('removes snapshot, mount, reader and itself when nobody renews', async () => {
    const run = newRunId();
    const lease = await acquire(run, 60, root, stoppedClock);
    const [snapshot] = await take(run, lease, 64);
    await guest.must(
      `read -r pid ns < /run/stillpoint/${run}/keeper
setsid nsenter --mount=/proc/$pid/ns/mnt sleep 600 < ${snapshot?.path} >/dev/null 2>&1 &`,
      { signal },
    );
    // The rest of the minute, in an instant.
    await guest.must(`read -r up idle < /proc/uptime; echo "\${up%%.*}" > /run/stillpoint/${run}/expires`, { signal });
    await eventually(isClean, 'the host is as it was');
    await expect(lease.renew(signal)).rejects.toMatchObject({ code: 'snapshot.lease-lost' });
    expect(lease.signal.aborted).toBe(true);
    await expect(judgeSet(snapshot ? [snapshot] : [], REGISTRY, root, lease, signal)).rejects.toMatchObject({
      // Not "something removed it": what removed it is our own watchman.
      code: 'snapshot.lease-lost',
    });
    await lease[Symbol.asyncDispose]();
  });

  test('lives on while it is renewed', async () => {
    const lease = await acquire(newRunId(), 8);
    const uptime = async (): Promise<number> => Number.parseFloat(await guest.must('cat /proc/uptime', { signal }));
    const start = await uptime();
    await eventually(async () => (await uptime()) > start + 9, 'the first term of the lease is over');
    await lease.renew(signal);
    expect(lease.signal.aborted).toBe(false);
    await lease[Symbol.asyncDispose]();
  });

  test('sweeps what a restart left, and leaves foreign, other and living things alone', async () => {
    const [lost, living, theirs] = [newRunId(), newRunId(), newRunId()];
    const lease = await acquire(lost, 600, root, stoppedClock);
    await takeSet(planFor(lost, 32), REGISTRY, root, signal);
    // As after a power cut: no process, no /run, and the snapshot still there.
    await guest.must(
      `systemctl kill --signal=KILL stillpoint-${lost}.service; rm -rf /run/stillpoint
lvcreate -qq -y -s -n sp_${theirs}_11111111 -l 8 --addtag stillpoint --addtag sp.run=${theirs} --addtag sp.owner=ffeeddccbbaa vg0/mysql
lvcreate -qq -y -s -n sp_0000cccc_11111111 -l 8 vg0/mysql
lvcreate -qq -y -V 4m --thinpool pool0 -n sp_0000dddd_11111111 --addtag stillpoint --addtag sp.run=0000dddd --addtag sp.owner=${owner} vg0 2>/dev/null`,
      { signal },
    );
    const other = await acquire(living, 600, root, stoppedClock);
    const kept = await takeSet(planFor(living, 32), REGISTRY, root, signal);
    const swept = await root.run(sweepHost(REGISTRY.scripts, owner), signal);
    expect(swept.removed).toEqual([expect.stringContaining(`vg0/sp_${lost}_`) as unknown]);
    expect(swept.kept.map(({ object }) => object).toSorted()).toEqual(
      [
        `/run/stillpoint/${living}`,
        'vg0/sp_0000cccc_11111111',
        'vg0/sp_0000dddd_11111111',
        `vg0/sp_${theirs}_11111111`,
      ].toSorted(),
    );
    const names = await guest.must('lvs --noheadings -o lv_name vg0', { signal });
    for (const name of [
      'sp_0000cccc_11111111',
      'sp_0000dddd_11111111',
      `sp_${theirs}_11111111`,
      kept.taken[0]?.planned.snapshot,
    ]) {
      expect(names).toContain(name);
    }
    await expect(lease.renew(signal)).rejects.toMatchObject({ code: 'snapshot.lease-lost' });
    await lease[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await guest.must(
      `lvremove -qq -y vg0/sp_${theirs}_11111111; lvremove -qq -y vg0/sp_0000cccc_11111111; lvremove -qq -y vg0/sp_0000dddd_11111111`,
      { signal },
    );
  });

  test('says that its watchman was killed', async () => {
    const run = newRunId();
    const lease = await acquire(run, 600, root, stoppedClock);
    await guest.must(`systemctl kill --signal=KILL stillpoint-${run}.service`, { signal });
    await expect(lease.renew(signal)).rejects.toMatchObject({
      code: 'snapshot.lease-lost',
      message: expect.stringContaining('watchman') as unknown,
    });
    await lease[Symbol.asyncDispose]();
  });

  test('grows a snapshot that is 70 % full', async () => {
    const run = newRunId();
    const lease = await acquire(run, 600, root, stoppedClock);
    const [snapshot] = await take(run, lease, 8);
    await write('change', 25);
    const size = async (): Promise<number> =>
      Number(
        await guest.must(`lvs --noheadings --units b --nosuffix -o lv_size vg0/${snapshot?.planned.snapshot}`, {
          signal,
        }),
      );
    await eventually(async () => (await size()) > 8 * EXTENT, 'the snapshot has grown');
    await judgeSet(snapshot ? [snapshot] : [], REGISTRY, root, lease, signal);
    const peak = lease.peaks.get(snapshot?.id ?? '');
    expect(peak?.usedBytes).toBeGreaterThan(24 * 1024 * 1024);
    await lease[Symbol.asyncDispose]();
    await guest.must('rm /srv/files/change', { signal });
  });

  test('is said to be full before it is, by what the guard sees of a snapshot that fills', async () => {
    const run = newRunId();
    const told: RunEventBody[] = [];
    const emit = (event: RunEventBody): void => void told.push(event);
    const ports = {
      host: root,
      scripts: REGISTRY.scripts,
      runs: noRuns(),
      clock: systemClock,
      logger: silentLogger,
      emit,
    };
    const terms = { run, owner, leaseSeconds: 20, mounts: 1, holds: 0 };
    await using hold = await HeldHost.acquire(terms, ports, signal);
    const { taken } = await takeSet(planFor(run, 32), REGISTRY, root, signal);
    hold.take(taken.map((each) => ({ ...each, mostBytes: each.standing.sizeBytes })));
    const forecasts = () => told.filter((event) => event.type === 'fill-forecast');
    const before = performance.now();
    let mebibytes = 0;
    for (; forecasts().length === 0 && mebibytes < 60; mebibytes += 1) {
      await write(`filling-${mebibytes}`, 1);
      await wait(700);
    }
    const perSecond = (mebibytes * 1024 ** 2) / ((performance.now() - before) / 1000);
    const [said] = forecasts();
    expect(said).toMatchObject({ volume: 'vg0/files', snapshot: taken[0]?.planned.snapshot, mostBytes: 32 * EXTENT });
    const { usedBytes, fullInMs = 0 } = said as FillForecast;
    const really = ((32 * EXTENT - usedBytes) / perSecond) * 1000;
    expect(fullInMs).toBeGreaterThan(really / 3);
    expect(fullInMs).toBeLessThan(really * 3);
    await hold.release();
    await guest.must('rm /srv/files/filling-*', { signal });
  });

  test('stops the readers of a snapshot that overflowed, and nothing read from it becomes a restore point', async () => {
    const backend = createMemoryBackend();
    await (await createTestRepository(backend)).close();
    const overflowing: RemoteHost = {
      name: root.name,
      // Two extents, whatever was planned.
      run: (command, runSignal) =>
        root.run(
          command.name === 'take-snapshots'
            ? { ...command, args: command.args.map((arg, index) => (index === 7 ? '2' : arg)) }
            : command,
          runSignal,
        ),
      async stream(command, input, streamSignal) {
        if (command.name === 'pack-files') await write('flood', 40);
        return await root.stream(command, input, streamSignal);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    await expect(
      backup(
        { source, host: hostSpec(), acceptClockSkew: false },
        {
          openHost: async () => overflowing,
          openRepository: (openSignal) => openRepository(backend, PASSWORD, openSignal),
          registry: REGISTRY,
          owner,
          runs: noRuns(),
          clock: systemClock,
          logger: silentLogger,
          emit: () => undefined,
          workFolder: guest.directory,
        },
        signal,
      ),
    ).rejects.toMatchObject({ code: 'snapshot.full' });
    await using repository = await openTest(backend);
    expect((await repository.listRestorePoints(signal)).points).toEqual([]);
    await guest.must('rm /srv/files/flood', { signal });
  });

  test('refuses what cannot be had, before anything is made', async () => {
    const cover = async (path: string): Promise<unknown> =>
      coverPaths(await root.run(resolvePaths([Buffer.from(path)]), signal), survey, {
        exclude: compileExcludes([]),
        host: 'lab',
        mayReadLive: false,
      });
    const cases = [
      ['/srv/nowhere', 'host.path-not-found', '/srv/nowhere'],
      ['/run/lock', 'host.path-not-snapshottable', 'tmpfs'],
      ['/etc', 'host.path-not-snapshottable', 'plain device'],
    ] as const;
    for (const [path, code, words] of cases) {
      const message = expect.stringContaining(words) as unknown;
      await expect(cover(path), path).rejects.toMatchObject({ code, message });
    }
    await guest.must('lvcreate -qq -y -n filler -l "$(($(vgs --noheadings -o vg_free_count vg0) - 60))" vg0', {
      signal,
    });
    try {
      await expect(
        planBackup(
          { source, host: hostSpec() },
          { owner, dead: [] },
          { host: root, clock: systemClock, registry: REGISTRY },
          signal,
        ),
      ).rejects.toMatchObject({
        code: 'snapshot.no-room',
        details: { group: 'vg0', freeBytes: 60 * EXTENT },
      });
      // Room that went away between the plan and the act.
      const run = newRunId();
      await using lease = await acquire(run, 60);
      await guest.must('lvextend -qq -y -l +50 vg0/filler', { signal });
      expect(lease.armed.keeperPid).toBeGreaterThan(1);
      await expect(takeSet(planFor(run, 20), REGISTRY, root, signal)).rejects.toMatchObject({
        code: 'snapshot.no-room',
        message: expect.stringMatching(/\d+/) as unknown,
      });
    } finally {
      await guest.must('lvremove -qq -y vg0/filler', { signal });
    }
  });

  test('mounts nothing that it cannot, and gives the kernel\u2019s reason', async () => {
    const run = newRunId();
    await using lease = await acquire(run, 60);
    const asExt4 = await takeSet(planFor(run, 64, { fsType: 'ext4' }), REGISTRY, root, signal);
    await expect(mountSet(asExt4.taken, REGISTRY, root, lease, signal)).rejects.toMatchObject({
      code: 'snapshot.mount-failed',
      message: expect.stringMatching(/EXT4-fs \(dm-\d+\)/) as unknown,
    });
  });

  test.each<[GuestAlias, SudoMode, string | undefined]>([
    ['lab-bak', 'passwordless', undefined],
    ['lab-bakpw', 'password', 'correct horse'],
  ])('works for %s with sudo %s', async (alias, sudo, password) => {
    await using host = await connect(alias, sudo, password);
    const run = newRunId();
    await using lease = await acquire(run, 60, host);
    const { taken } = await takeSet(planFor(run, 32), REGISTRY, host, signal);
    const readable = await mountSet(taken, REGISTRY, host, lease, signal);
    await judgeSet(readable, REGISTRY, host, lease, signal);
    expect(taken).toHaveLength(1);
  });

  test('makes nothing where sudo refuses', async () => {
    await using host = await connect('lab-nosudo', 'passwordless');
    await expect(acquire(newRunId(), 60, host)).rejects.toMatchObject({ code: 'remote.sudo-refused' });
  });
});

function openTest(backend: Parameters<typeof openRepository>[0]): ReturnType<typeof openRepository> {
  return openRepository(backend, PASSWORD, AbortSignal.timeout(30_000));
}
