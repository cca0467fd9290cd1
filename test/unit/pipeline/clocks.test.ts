/**
 * Whole backups of a host on paper while clocks are wrong: the host's, ours, or both, ahead, behind, or set in between.
 * Restore points are dated by our clock, what was changed is read, and keep rules keep what they say.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../shared/base/log.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import type { BackupReport } from '../../../shared/domain/verbs/backup.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import { forget } from '../../../shared/pipeline/forget.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { NOTHING_CONFIGURED } from '../../support/configured-names.ts';
import { findNode } from '../../support/find-node.ts';
import { noRuns } from '../../support/pipeline/no-runs.ts';
import { FOLDER, PaperMachine } from '../../support/pipeline/paper-machine.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const SLOW = 90_000;

class Scene {
  readonly machine = new PaperMachine(new Date('2026-11-01T02:00:00Z'));
  readonly backend: Backend = createMemoryBackend();
  readonly events: RunEventBody[] = [];
  workFolder = '';

  static async begin(): Promise<Scene> {
    const scene = new Scene();
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    scene.workFolder = folder.path;
    await (await createTestRepository(scene.backend)).close();
    return scene;
  }

  open(): Promise<OpenedRepository> {
    return openRepository(this.backend, PASSWORD, signal, { clock: this.machine.clock });
  }

  async backUp(acceptClockSkew = false): Promise<BackupReport> {
    const name = hostName('db1');
    const limits = { leaseSeconds: 1800, maxClockSkewSeconds: 86_400 };
    return await backup(
      {
        source: {
          ...{ name: sourceName('shop'), host: name, paths: [Buffer.from(FOLDER)] },
          ...{ repository: repositoryName('main'), exclude: [] },
        },
        host: { name, ssh: 'db1', sshConfigFile: undefined, sudo: 'none', ...limits },
        acceptClockSkew,
      },
      {
        openHost: async () => this.machine.host,
        openRepository: () => this.open(),
        registry: REGISTRY,
        owner: ownerId('0123456789ab'),
        runs: noRuns(),
        clock: this.machine.clock,
        logger: silentLogger,
        emit: (event) => void this.events.push(event),
        workFolder: this.workFolder,
      },
      signal,
    );
  }

  /** As after every backup from cron. */
  async forgetDaily(daily: number): Promise<readonly string[]> {
    const rules = { daily };
    const report = await forget(
      { selection: { by: 'sources', sources: [{ source: sourceName('shop'), rules }] } },
      {
        openRepository: () => this.open(),
        clock: this.machine.clock,
        emit: () => undefined,
        configured: NOTHING_CONFIGURED,
      },
      signal,
    );
    return report.forgotten;
  }

  async points(): Promise<readonly string[]> {
    await using repository = await this.open();
    return (await repository.listRestorePoints(signal)).points.map(({ id }) => id);
  }

  /** What the newest restore point holds of a file. */
  async latest(file: string): Promise<string> {
    await using repository = await this.open();
    await repository.loadIndex(signal);
    const point = await repository.findRestorePoint('latest', signal);
    const node = await findNode(
      repository,
      point.tree,
      [...FOLDER.slice(1).split('/'), file].map((part) => Buffer.from(part)),
      signal,
    );
    const pieces = await Promise.all((node?.content ?? []).map((id) => repository.loadBlob('data', id, signal)));
    return Buffer.concat(pieces).toString();
  }

  warnings(): readonly string[] {
    return this.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  }
}

describe('a restore point', () => {
  test.each([
    ['right', 0, undefined],
    ['an hour ahead', HOUR, '60 minutes ahead of'],
    ['half a day behind', -12 * HOUR, '12 hours behind'],
    ['a little off', 3000, undefined],
  ])('is dated by our clock where that of the host is %s, and keeps the other', async (_, errorMs, words) => {
    const scene = await Scene.begin();
    scene.machine.write('a', 'one');
    scene.machine.hostErrorMs = errorMs;
    const begun = scene.machine.ms;
    const report = await scene.backUp();
    const time = Date.parse(report.time);
    expect(time).toBeGreaterThanOrEqual(begun);
    expect(time).toBeLessThan(scene.machine.ms);
    expect(Math.abs(Date.parse(report.hostTime) - time - errorMs)).toBeLessThan(200);
    expect(report.clockSkew.leastMs).toBeLessThanOrEqual(errorMs);
    expect(report.clockSkew.mostMs).toBeGreaterThanOrEqual(errorMs);
    expect(report.clockSkew.mostMs - report.clockSkew.leastMs).toBeLessThan(500);
    const said = words === undefined ? [] : [`The clock of "db1" is ${words} that of this machine.`];
    expect(scene.warnings()).toEqual(said);
    await using repository = await scene.open();
    const point = await repository.findRestorePoint('latest', signal);
    expect(point).toMatchObject({
      time: report.time,
      extra: { stillpoint: { clock: { hostTime: report.hostTime, bootId: scene.machine.bootId } } },
    });
  });

  test('of a host that is more than a day off needs a person', async () => {
    const scene = await Scene.begin();
    scene.machine.write('a', 'one');
    for (const errorMs of [30 * DAY, -YEAR, 25 * HOUR]) {
      scene.machine.hostErrorMs = errorMs;
      await expect(scene.backUp()).rejects.toMatchObject({
        code: 'host.clock-skew',
        advice: expect.stringContaining('stillpoint backup shop --accept-clock-skew') as string,
      });
    }
    expect(await scene.points()).toEqual([]);
    expect(scene.warnings()).toEqual([]);
    const { time } = await scene.backUp(true);
    expect(Math.abs(Date.parse(time) - scene.machine.ms)).toBeLessThan(2000);
    expect(scene.warnings()).toEqual(['The clock of "db1" is 25 hours ahead of that of this machine.']);
    expect(await scene.latest('a')).toBe('one');
  });

  test('tells of a clock that is set while the backup begins', async () => {
    const scene = await Scene.begin();
    scene.machine.write('a', 'one');
    scene.machine.onCreate = () => void (scene.machine.hostErrorMs = -2 * HOUR);
    const { time, clockSkew } = await scene.backUp();
    expect(Math.abs(Date.parse(time) - scene.machine.ms)).toBeLessThan(2000);
    expect(clockSkew.mostMs).toBeLessThan(-2 * HOUR + 1000);
    expect(scene.warnings()).toEqual([
      'The clock of "db1" was set while the backup began.',
      'The clock of "db1" is 120 minutes behind that of this machine.',
    ]);
  });
});

describe('a host cannot destroy its own backups', () => {
  test.each([
    ['within the limit', 20 * HOUR, false],
    ['by days, and a person accepts it', 30 * DAY, true],
  ])(
    'by setting its clock ahead %s before each of twelve backups',
    async (_, stepMs, accepted) => {
      const scene = await Scene.begin();
      scene.machine.write('a', 'one');
      const real: string[] = [];
      for (let day = 0; day < 4; day++) {
        real.push((await scene.backUp()).restorePoint);
        await scene.forgetDaily(3);
        scene.machine.pass(DAY);
      }
      expect(await scene.points()).toEqual(real.slice(1));
      const made: string[] = [];
      for (let attack = 1; attack <= 12; attack++) {
        scene.machine.hostErrorMs = accepted ? attack * stepMs : (attack % 2) * stepMs;
        scene.machine.write('a', `spoilt ${attack}`);
        made.push((await scene.backUp(accepted)).restorePoint);
        await scene.forgetDaily(3);
        scene.machine.pass(60_000);
      }
      // All of one day: the newest of it stays, and the real ones of the two days before.
      expect(await scene.points()).toEqual([...real.slice(2), made.at(-1)]);
    },
    SLOW,
  );

  test('nor do restore points that were made while our own clock was ahead', async () => {
    const scene = await Scene.begin();
    scene.machine.write('a', 'one');
    const first = (await scene.backUp()).restorePoint;
    scene.machine.pass(DAY);
    scene.machine.ourErrorMs = YEAR;
    const ahead: string[] = [];
    for (let time = 0; time < 3; time++) {
      scene.machine.write('a', `ahead ${time}`);
      // The host's clock is right, and what is wrong is ours: that needs a person too.
      await expect(scene.backUp()).rejects.toMatchObject({ code: 'host.clock-skew' });
      ahead.push((await scene.backUp(true)).restorePoint);
      scene.machine.pass(60_000);
    }
    scene.machine.ourErrorMs = 0;
    scene.events.length = 0;
    scene.machine.write('a', 'right again');
    const after = (await scene.backUp()).restorePoint;
    expect(scene.warnings()).toEqual([
      expect.stringMatching(/^There was restore point .* before, which is dated 2027-/),
    ]);
    expect(await scene.latest('a')).toBe('right again');
    expect(await scene.points()).toEqual([first, ...ahead, after]);
    // None of those ahead counts or goes; the real ones are of two days.
    expect(await scene.forgetDaily(2)).toEqual([]);
    expect(await scene.forgetDaily(1)).toEqual([first]);
    scene.machine.pass(DAY);
    expect(await scene.latest('a')).toBe('right again');
  });

  test('nor while our own clock was behind: the newest is still the newest', async () => {
    const scene = await Scene.begin();
    scene.machine.write('a', 'one');
    await scene.backUp();
    scene.machine.pass(DAY);
    scene.machine.ourErrorMs = -10 * YEAR;
    scene.machine.write('a', 'two');
    const behind = await scene.backUp(true);
    expect(behind.time.slice(0, 4)).toBe('2016');
    scene.machine.ourErrorMs = 0;
    expect(await scene.latest('a')).toBe('two');
    expect(await scene.forgetDaily(1)).toEqual([]);
  });
});

/** Whether the second backup has what was written between the two; `isRead` is whether it was read again. */
describe('what was changed between two backups is read', () => {
  test('where no clock was set, and nothing else is', async () => {
    const scene = await Scene.begin();
    for (const name of ['a', 'b', 'c']) scene.machine.write(name, 'same');
    scene.machine.pass(HOUR);
    await scene.backUp();
    scene.machine.pass(HOUR);
    scene.machine.write('b', 'diff');
    expect((await scene.backUp()).files).toEqual({ new: 0, changed: 1, unmodified: 2 });
  });

  test.each([
    ['the clock was set back in one boot', false, false],
    ['the clock was set back over a restart', true, false],
    ['the clock was set back, and dates and files have whole seconds', false, true],
    ['the clock was set back over a restart, and dates and files have whole seconds', true, true],
  ])('though its times are the same again: %s', async (_, restarts, isCoarse) => {
    const scene = await Scene.begin();
    const { machine } = scene;
    machine.isCoarse = isCoarse;
    machine.write('old', 'untouched');
    machine.pass(2 * HOUR);
    machine.hostErrorMs = HOUR;
    machine.write('a', 'one');
    const wroteAt = machine.ms;
    machine.pass(10 * 60_000);
    await scene.backUp();
    // The clock is put right, and an hour later shows the instant of the first write once more.
    machine.hostErrorMs = 0;
    if (restarts) machine.restartHost();
    machine.ms = wroteAt + HOUR;
    machine.write('a', 'two');
    machine.pass(20 * 60_000);
    const { files } = await scene.backUp();
    expect(await scene.latest('a')).toBe('two');
    expect(files).toEqual({ new: 0, changed: 1, unmodified: 1 });
  });

  test('in the same tick as the snapshot before', async () => {
    const scene = await Scene.begin();
    scene.machine.isCoarse = true;
    scene.machine.write('old', 'untouched');
    scene.machine.pass(HOUR);
    scene.machine.ms = Math.floor(scene.machine.ms / 1000) * 1000 + 100;
    scene.machine.write('a', 'one');
    await scene.backUp();
    scene.machine.ms = Math.floor(scene.machine.ms / 1000) * 1000;
    scene.machine.pass(HOUR);
    expect((await scene.backUp()).files).toEqual({ new: 0, changed: 1, unmodified: 1 });
  });

  test('where our own clock was ahead or behind at the first backup, and was put right', async () => {
    for (const errorMs of [YEAR, -YEAR]) {
      const scene = await Scene.begin();
      scene.machine.write('old', 'untouched');
      scene.machine.pass(HOUR);
      scene.machine.write('a', 'one');
      scene.machine.pass(HOUR);
      scene.machine.ourErrorMs = errorMs;
      await scene.backUp(true);
      scene.machine.ourErrorMs = 0;
      scene.machine.pass(HOUR);
      scene.machine.write('a', 'two');
      expect((await scene.backUp()).files).toEqual({ new: 0, changed: 1, unmodified: 1 });
      expect(await scene.latest('a')).toBe('two');
    }
  });

  test('and all of it where another program rewrote the parent, which no longer knows the clock of the host', async () => {
    const scene = await Scene.begin();
    scene.machine.write('a', 'one');
    scene.machine.pass(HOUR);
    await scene.backUp();
    {
      await using repository = await scene.open();
      await using lock = await repository.lock('exclusive', signal);
      const { id, extra: _, ...rest } = await repository.findRestorePoint('latest', signal);
      await repository.loadIndex(signal);
      await repository.saveRestorePoint(
        { ...rest, original: id, tags: [...(rest.tags ?? []), 'by hand'] },
        lock,
        signal,
      );
      await repository.removeRestorePoint(id, lock, signal);
    }
    scene.machine.pass(HOUR);
    expect((await scene.backUp()).files).toEqual({ new: 1, changed: 0, unmodified: 0 });
  });
});
