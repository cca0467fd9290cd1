/**
 * One run over two storages and an application: a real host with LVM, on which the trivial storage and the trivial hook of
 * the tests are registered by one line. What the plan prints is what the host receives.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { PlanId } from '../../shared/domain/plan-id.ts';
import type { HostSpec, Source } from '../../shared/domain/source.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backup } from '../../shared/pipeline/backup.ts';
import { planBackup } from '../../shared/pipeline/plan-backup.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { createRegistry, REGISTRY } from '../../shared/snapshot/registry.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { noRuns } from '../support/pipeline/no-runs.ts';
import { flagFile } from '../support/quiesce/flag-file.ts';
import { type Recording, recordTransport } from '../support/remote/recording.ts';
import { folderCopy, SOURCE } from '../support/snapshot/folder-copy.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const registry = createRegistry([...REGISTRY.providers, folderCopy], [flagFile({ path: '/run/flag' })]);
const owner = ownerId('00112233aabb');

describe('a run over two storages', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  const recordings: Recording[] = [];
  const signal = AbortSignal.timeout(600_000);
  const source = {
    ...{ name: sourceName('both'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
    paths: [Buffer.from('/srv/files'), Buffer.from('/srv/copied')],
  };
  const spec = (): HostSpec => ({
    ...{ name: source.host, ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' },
    ...{ leaseSeconds: 600, maxClockSkewSeconds: 86_400 },
  });
  const connect = (): Promise<RemoteHost> =>
    connectHost(
      { name: 'lab', ssh: 'lab', sshConfigFile: guest.sshConfigFile, sudo: 'none' },
      {
        ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
        homeFolder: '/nonexistent',
        wrapTransport: (inner) => {
          const recording = recordTransport(inner);
          recordings.push(recording);
          return recording;
        },
      },
      signal,
    );
  const backend = createMemoryBackend();
  const save = (plan?: PlanId, of: Source = source): Promise<BackupReport> =>
    backup(
      { source: of, host: spec(), plan, acceptClockSkew: false },
      {
        ...{ openHost: connect, openRepository: (open) => openRepository(backend, PASSWORD, open) },
        ...{ registry, owner, runs: noRuns(), clock: systemClock, logger: silentLogger, emit: () => undefined },
        workFolder: guest.directory,
      },
      signal,
    );
  const plan = async (): Promise<BackupPlan> => {
    await using host = await connect();
    return await planBackup(
      { source, host: spec() },
      { owner, dead: [] },
      { host, clock: systemClock, registry },
      signal,
    );
  };
  /** Names of the scripts that the host was sent, in order, with the scripts. */
  const received = (): { name: string; script: string; args: string[] }[] =>
    recordings
      .flatMap((recording) => recording.exchanges())
      .flatMap(({ script }) =>
        script === undefined ? [] : [{ name: script.name, script: script.script, args: script.args.map(String) }],
      );

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    await (await createTestRepository(backend)).close();
    await guest.must(
      `mkdir /srv/copied; mount -t tmpfs ${SOURCE} /srv/copied; echo copied > /srv/copied/note; echo thick > /srv/files/note`,
      { signal },
    );
  }, 300_000);
  afterAll(() => guest?.[Symbol.asyncDispose]());

  test('reads live what no snapshot can hold, and all else from its snapshot', async () => {
    const withLive = {
      ...source,
      withoutSnapshot: 'read-live' as const,
      paths: ['/srv/files', '/etc'].map((path) => Buffer.from(path)),
    };
    const report = await save(undefined, withLive);
    expect(report).toMatchObject({ consistency: 'fuzzy', missingCount: 0, snapshots: [{ volume: 'vg0/files' }] });
    expect(report.skewMs).toBeGreaterThan(0);
  });

  test('makes both snapshots in one script under one hold, with one skew and one consistency', async () => {
    const planned = await plan();
    expect(planned.snapshots.map(({ volume }) => volume)).toEqual(['vg0/files', '/srv/copied']);
    expect(planned.consistency).toBe('application');
    recordings.length = 0;
    const report = await save(planned.id);
    expect(received().filter(({ name }) => name === 'take-snapshots')).toHaveLength(1);
    expect(report).toMatchObject({
      consistency: 'application',
      holds: [{ what: 'the flag /run/flag', provedUptime: expect.any(Number) as unknown }],
      snapshots: { length: 2 },
    });
    expect(report.skewMs).toBeGreaterThan(0);
    expect(report.skewMs).toBeLessThan(60_000);
    await using repository = await openRepository(backend, PASSWORD, signal);
    const point = await repository.findRestorePoint(report.restorePoint, signal);
    expect(point.extra).toMatchObject({
      stillpoint: {
        consistency: 'application',
        evidence: { instants: { length: 2 }, holds: [{ guarantees: 'application' }] },
      },
    });
    await eventually(async () => (await guest.traces({ signal })).length === 0, 'the host is as it was');
    expect(await guest.must('ls -A /var/tmp/folder-copies /run/flag 2>/dev/null || :', { signal })).toBe(
      '/var/tmp/folder-copies:\n',
    );
  });

  test('runs byte for byte what the plan printed', async () => {
    const planned = await plan();
    recordings.length = 0;
    await save(planned.id);
    const sent = received();
    const commands = planned.steps.flatMap(({ command }) => command ?? []);
    const changing = commands.map(({ name }) => name);
    const ran = sent.filter(({ name }) => changing.includes(name));
    // The lease has a connection of its own; what was sent is listed by connection.
    const inOrder = commands.flatMap(({ name }) => ran.filter((each) => each.name === name));
    expect(inOrder).toHaveLength(ran.length);
    expect(inOrder).toEqual(commands.map(({ name, script, args }) => ({ name, script, args: [...args] })));
    const looking = new Set(sent.filter(({ name }) => !changing.includes(name)).map(({ name }) => name));
    for (const name of looking) {
      expect(name).toMatch(/^(identify|read|list|measure|resolve|renew|observe|pack|probe)-/);
    }
  });

  test('refuses a plan that no longer fits, and then changes nothing', async () => {
    const planned = await plan();
    await guest.must('lvcreate -qq -y -n wedge -L 1g vg0', { signal });
    recordings.length = 0;
    await expect(save(planned.id)).rejects.toMatchObject({ code: 'plan.stale' });
    expect(received().map(({ name }) => name)).not.toContain('arm-lease');
    await guest.must('lvremove -qq -y vg0/wedge', { signal });
    expect((await save((await plan()).id)).consistency).toBe('application');
  });
});
