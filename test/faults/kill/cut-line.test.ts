/**
 * A line that is cut while a snapshot is read over it, by a real sshd: the run goes on where it was as long as its lease
 * lives, sends next to nothing twice, and what is restored is what was there.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import { toErrorRecord } from '../../../shared/base/errors.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import type { BackupReport } from '../../../shared/domain/verbs/backup.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import { connectHost } from '../../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { btrfs } from '../../../shared/snapshot/btrfs/provider.ts';
import { createRegistry } from '../../../shared/snapshot/registry.ts';
import type { CuttableProxy } from '../../lab/cuttable-proxy.ts';
import { describeTree } from '../../support/describe-tree.ts';
import { needing } from '../../support/needing.ts';
import { noRuns } from '../../support/pipeline/no-runs.ts';
import { restoreFrom, warningsOf } from '../../support/restoring.ts';
import { type BtrfsHost, whyNoBtrfsHost } from '../../support/snapshot/btrfs-host.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../../support/test-repository.ts';
import {
  type BackupSetting,
  createTestRepository as createRepositoryOf,
  repositoryFolder,
  PASSWORD as SLEEPERS_PASSWORD,
} from './backup-fixture.ts';
import { type CutLine, startCutLine } from './cut-line-host.ts';

const never = new AbortController().signal;
const registry = createRegistry([btrfs], []);

describe('a line that is cut while a snapshot is read', needing(await whyNoBtrfsHost()), () => {
  let line: CutLine;
  let world: BtrfsHost;
  let proxy: CuttableProxy;
  let sshConfigFile: string;
  let folder: TemporaryFolder;
  let events: RunEventBody[];
  /** Called with each piece of content's progress, in bytes. */
  let atBytes: (bytes: number) => void;
  /** Called when a program of the host begins to say what is equal, or to send what is not. */
  let atParts: () => void;

  beforeAll(async () => {
    line = await startCutLine();
    ({ world, proxy, sshConfigFile } = line);
  }, 120_000);
  afterAll(() => line?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = await temporaryFolder();
    await (await createTestRepository(createLocalBackend(join(folder.path, 'repository')))).close();
    proxy.resume();
    proxy.limit(undefined);
    events = [];
    atBytes = () => undefined;
    atParts = () => undefined;
  });
  afterEach(async () => {
    await folder[Symbol.asyncDispose]();
    const left = [...(await world.ours()), await world.sh('ls /run/stillpoint 2>/dev/null || :')].join('');
    if (left !== '') throw new Error(`The host is not as it was: ${left}`);
  });

  const connect = async (): Promise<RemoteHost> => {
    const host = await connectHost(
      { name: 'cut', ssh: 'cut', sshConfigFile, sudo: 'none' },
      {
        ...{ prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined },
        ...{ homeFolder: '/root', keepAlive: { intervalMs: 1_000, count: 4 } },
      },
      AbortSignal.timeout(30_000),
    );
    return {
      name: host.name,
      run: (...order) => host.run(...order),
      async stream(command, ...order) {
        const stream = await host.stream(command, ...order);
        if (command.name === 'file-parts') atParts();
        return stream;
      },
      [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
    };
  };
  const save = (leaseSeconds = 120): Promise<BackupReport> =>
    backup(
      {
        source: {
          ...{ name: sourceName('s'), host: hostName('cut'), repository: repositoryName('main'), exclude: [] },
          paths: [Buffer.from('/run/files')],
        },
        host: {
          ...{ name: hostName('cut'), ssh: 'cut', sudo: 'none' as const, sshConfigFile: undefined },
          ...{ leaseSeconds, maxClockSkewSeconds: 86_400 },
        },
        ...{ plan: undefined, acceptClockSkew: false },
      },
      {
        openHost: connect,
        openRepository: (open) => openRepository(createLocalBackend(join(folder.path, 'repository')), PASSWORD, open),
        ...{ registry, owner: ownerId('00112233aabb'), runs: noRuns(), clock: systemClock, logger: silentLogger },
        emit: (event) => {
          events.push(event);
          if (event.type === 'progress' && event.phase === 'read') atBytes(event.bytesDone);
        },
        workFolder: folder.path,
      },
      AbortSignal.timeout(240_000),
    );
  const heard = (type: RunEventBody['type']): number => events.filter((event) => event.type === type).length;
  const expectAllIsThere = async (): Promise<void> => {
    const target = join(folder.path, 'restored');
    expect((await restoreFrom(join(folder.path, 'repository'), target)).error).toBeUndefined();
    const [saved, real] = await Promise.all([
      describeTree(join(target, 'run/files')),
      describeTree(`${world.root}/run/files`),
    ]);
    expect(saved).toEqual(real);
  };

  test('costs no run and no content, wherever it is cut', async () => {
    const whole = await save();
    const size = whole.bytesReceived;
    let cuts = 0;
    let next = 0;
    const each = size / 12;
    const passed = proxy.bytesPassed();
    atBytes = () => {
      if (proxy.bytesPassed() - passed < next) return;
      next += each;
      cuts += 1;
      proxy.cut();
    };
    await folder[Symbol.asyncDispose]();
    folder = await temporaryFolder();
    await (await createTestRepository(createLocalBackend(join(folder.path, 'repository')))).close();
    const report = await save();
    expect(cuts).toBeGreaterThan(6);
    expect(heard('connection-lost')).toBeGreaterThan(6);
    expect(heard('connection-back')).toBe(heard('connection-lost'));
    expect(report).toMatchObject({ consistency: 'crash', bytesTotal: whole.bytesTotal, missingCount: 0 });
    expect(report.bytesReceived).toBeLessThan(size * 1.01);
    expect(warningsOf(events)).toEqual([]);
    await expectAllIsThere();
  }, 240_000);

  test('goes on when it is there again, however often that was tried in vain, and in silence', async () => {
    let state: 'whole' | 'refused' | 'silent' = 'whole';
    atBytes = (bytes) => {
      if (state === 'whole' && bytes > 8_000_000) {
        state = 'refused';
        proxy.refuse();
        proxy.cut();
        void setTimeout(12_000).then(() => proxy.resume());
      } else if (state === 'refused' && bytes > 30_000_000) {
        state = 'silent';
        proxy.stall();
        void setTimeout(10_000).then(() => proxy.resume());
      }
    };
    const report = await save();
    expect(state).toBe('silent');
    // On a busy machine, a line may seem dead that is not.
    expect(heard('connection-back')).toBeGreaterThanOrEqual(2);
    expect(report.missingCount).toBe(0);
    await expectAllIsThere();
  }, 240_000);

  /** A backup in a process of its own, which sleeps in the middle of the content until it is woken. */
  const sleeper = async (leaseSeconds: number) => {
    const setting: BackupSetting = {
      ...{ sshConfigFile, alias: 'cut', folder: join(folder.path, 'own') },
      ...{ paths: ['/run/files'], leaseSeconds },
    };
    await mkdir(setting.folder);
    await createRepositoryOf(setting, never);
    const program = join(import.meta.dirname, 'backup-child.ts');
    const child = execa(process.execPath, [program, JSON.stringify(setting), '{}'], { reject: false });
    const passed = proxy.bytesPassed();
    while (proxy.bytesPassed() - passed < 4_000_000) await setTimeout(5);
    child.kill('SIGSTOP');
    const wake = (): boolean => child.kill('SIGCONT');
    return { child, wake, setting, passed };
  };

  test('goes on where the client slept for less than the lease, and next to nothing is sent twice', async () => {
    const { child, wake, setting, passed } = await sleeper(30);
    await setTimeout(10_000);
    wake();
    const { exitCode, stderr } = await child;
    expect([exitCode, stderr]).toEqual([0, '']);
    // All files, names and framing; see the first test for how much content there is.
    expect(proxy.bytesPassed() - passed).toBeLessThan(40_000_000);
    const target = join(folder.path, 'restored');
    const password = { password: SLEEPERS_PASSWORD };
    expect((await restoreFrom(repositoryFolder(setting), target, password)).error).toBeUndefined();
    expect(await describeTree(join(target, 'run/files'))).toEqual(await describeTree(`${world.root}/run/files`));
  }, 240_000);

  test('is over where it slept for longer: the host is clean before it wakes, and it says so in one sentence', async () => {
    const { child, wake, setting } = await sleeper(10);
    await expect.poll(() => world.ours(), { timeout: 60_000, interval: 500 }).toEqual([]);
    wake();
    const { exitCode, stderr } = await child;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'The lease on "lab" ended before the reading did; at its end the host removes our snapshots by itself.',
    );
    expect(await readdir(join(repositoryFolder(setting), 'snapshots'))).toEqual([]);
  }, 240_000);

  test.each([
    ['is cut', () => proxy.cut()],
    [
      'is silent',
      () => {
        proxy.stall();
        void setTimeout(8_000).then(() => proxy.resume());
      },
    ],
  ] as const)(
    'that %s while a large file is compared: all of it is read, and that is said',
    async (_, strike) => {
      await save();
      await world.sh(
        'cd /run/files; head -c 5000 /dev/urandom | dd of=large bs=5000 seek=3000 conv=notrunc status=none; sync',
      );
      const compared = await save();
      expect(compared.bytesEqual).toBeGreaterThan(10_000_000);
      expect(warningsOf(events)).toEqual([]);
      for (const which of [1, 2]) {
        await world.sh(`cd /run/files; printf ${which} >> large; sync`);
        let begun = 0;
        atParts = () => {
          begun += 1;
          if (begun === which) strike();
        };
        const report = await save();
        expect(begun).toBeGreaterThanOrEqual(which);
        expect(warningsOf(events.splice(0))).toEqual([
          'All of "/run/files/large" is read, and not only what changed: the connection was lost.',
        ]);
        expect(report).toMatchObject({ files: { changed: 1 }, missingCount: 0 });
        expect(report.bytesEqual ?? 0).toBe(0);
      }
      await expectAllIsThere();
    },
    240_000,
  );

  test('is not believed where bytes are changed on the way', async () => {
    let changes = 0;
    atBytes = (bytes) => {
      if (bytes < (changes + 1) * 8_000_000 || changes === 3) return;
      changes += 1;
      proxy.corrupt();
    };
    const report = await save();
    expect(changes).toBe(3);
    expect(heard('connection-lost')).toBeGreaterThanOrEqual(3);
    expect(report.missingCount).toBe(0);
    await expectAllIsThere();
  }, 240_000);

  test('ends the run where it stays away for longer than the lease, with one clear sentence and a clean host', async () => {
    let isCut = false;
    let backBefore = 0;
    atBytes = (bytes) => {
      if (isCut || bytes < 8_000_000) return;
      isCut = true;
      backBefore = heard('connection-back');
      proxy.refuse();
      proxy.cut();
      void setTimeout(20_000).then(() => proxy.resume());
    };
    const error = toErrorRecord(await save(10).catch((reason: unknown) => reason));
    expect(isCut).toBe(true);
    expect(error).toMatchObject({
      code: 'snapshot.lease-lost',
      // Whoever comes back hears it of the host; whoever does not, knows it by the time.
      message: expect.stringMatching(
        /^(The lease on "cut" ended before the reading did; at its end|"cut" could not be reached for longer than the lease of 10 s, so the run is over;) the host removes our snapshots by itself\.$/,
      ) as string,
    });
    expect(heard('connection-back')).toBe(backBefore);
  }, 240_000);
});
