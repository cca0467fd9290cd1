/**
 * A guest, a repository, and backups that are struck: the client is killed, the connection is cut for good, the host's sshd is
 * killed, or all of these at once with everything that sshd has ever started; before, in or after a step on the host, or when
 * something is the case there. What must hold afterwards is asked here, too.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { expect } from 'vitest';
import { type Guest, startGuest } from '../../lab/guest.ts';
import { type Recording, recordTransport } from '../../support/remote/recording.ts';
import { MOMENTS, planStrike, type StrikePlan } from '../../support/remote/striking.ts';
import type { Death } from './backup-child.ts';
import { type BackupSetting, createTestRepository, PASSWORD, repositoryFolder, runBackup } from './backup-fixture.ts';

/** How long the watchman may take from the end of a lease until the host is clean; the guest is slow. */
const WATCHMAN_BUDGET_MS = 45_000;
/** How long the guest may take to start its sshd again. */
const SSHD_BUDGET_MS = 20_000;

export const WAYS = ['client', 'connection', 'sshd', 'all'] as const;
export type Way = (typeof WAYS)[number];
type Moment = (typeof MOMENTS)[number];

export const NOT_DUE =
  'a usual run strikes some steps, each in one way; STILLPOINT_KILL=all strikes before, in and after all';

/** What a run strikes that is not thorough. */
export type UsualStrikes<Step extends string> = Partial<Record<Step, Partial<Record<Moment, Way>>>>;

export interface DueStrikes<Step extends string> {
  readonly steps: readonly Step[];
  readonly usual: UsualStrikes<Step>;
  /** Of a thorough run; without the one that ends all at once unless said. */
  readonly ways?: readonly Way[];
}

const ONE_BY_ONE: readonly Way[] = ['client', 'connection', 'sshd'];

/** How a step is struck at a moment, if it is: in a thorough run everything is, and the ways take turns. */
export function wayAt<Step extends string>(
  { steps, usual, ways = ONE_BY_ONE }: DueStrikes<Step>,
  step: Step,
  moment: Moment,
): Way | undefined {
  const turn = steps.indexOf(step) + MOMENTS.indexOf(moment);
  return process.env['STILLPOINT_KILL'] === 'all' ? ways[turn % ways.length] : usual[step]?.[moment];
}

export interface KillLab extends AsyncDisposable {
  readonly guest: Guest;
  readonly setting: BackupSetting;
  /** Restore points whose backup has reported success. */
  readonly points: string[];
  restic(...args: string[]): Promise<string>;
  /** Names of all remote commands of a backup. */
  stepsOfBackup(): Promise<ReadonlySet<string | undefined>>;
  /** The backup ends there, unless its restore point is saved already; a strike that does not fall is an error. */
  strike(way: Way, at: StrikePlan, setting?: BackupSetting): Promise<void>;
  /** The same in the moment in which `isDue` is true, which is asked again and again. */
  strikeWhen(way: Way, isDue: () => Promise<boolean>, setting?: BackupSetting): Promise<void>;
  killClient(death: Death, setting?: BackupSetting): Promise<void>;
  /** Lets the time of every lease on the guest run out now, instead of waiting for it. */
  expireLeases(): Promise<void>;
  expectCleanHost(): Promise<void>;
  expectWholeRepository(): Promise<void>;
  expectNextBackup(): Promise<void>;
}

const never = new AbortController().signal;

/** Of a guest of its own unless one is given; without a backup yet. */
export async function startKillLab(
  what: Pick<BackupSetting, 'paths' | 'leaseSeconds' | 'stop' | 'quiesce' | 'withoutSnapshot'>,
  shared?: Guest,
): Promise<KillLab> {
  await using started = new AsyncDisposableStack();
  const guest = shared ?? started.use(await startGuest({}, never));
  const folder = await mkdtemp(join(tmpdir(), 'stillpoint-kill-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const setting: BackupSetting = { sshConfigFile: guest.sshConfigFile, alias: 'lab', folder, ...what };
  await createTestRepository(setting, never);
  const points: string[] = [];

  async function restic(...args: string[]): Promise<string> {
    const { stdout } = await execa('restic', ['--no-cache', '-r', repositoryFolder(setting), ...args], {
      env: { RESTIC_PASSWORD: PASSWORD },
    });
    return stdout;
  }

  const childOf = (of: BackupSetting, death: Death) =>
    execa(process.execPath, [join(import.meta.dirname, 'backup-child.ts'), JSON.stringify(of), JSON.stringify(death)], {
      reject: false,
    });
  function expectKilled(child: { readonly signal?: string | undefined; readonly stderr: string }): void {
    if (child.signal !== 'SIGKILL') throw new Error(`the client was not killed: ${child.stderr}`);
  }
  async function killClient(death: Death, of = setting): Promise<void> {
    expectKilled(await childOf(of, death));
  }

  const cutForGood = (): void => {
    guest.proxy.refuse();
    guest.proxy.cut();
  };
  /** What is asked of the guest loses its own session with it. */
  const inGuest = (script: string): Promise<unknown> => guest.run(script, { signal: never }).catch(() => undefined);
  /** The way to the host, when it is struck alone. */
  const HITS: Readonly<Record<Exclude<Way, 'client'>, () => Promise<unknown>>> = {
    connection: async () => cutForGood(),
    sshd: () => inGuest('pkill -KILL sshd'),
    async all() {
      cutForGood();
      await inGuest('systemctl kill --signal=KILL ssh.service');
    },
  };
  const through = (way: Way, of: BackupSetting): BackupSetting => ({
    ...of,
    alias: way === 'connection' || way === 'all' ? 'lab-proxied' : 'lab',
  });
  /** How a backup ended whose way to the host was struck. */
  function judge(outcome: unknown): void {
    if (outcome instanceof Error)
      expect(outcome).toMatchObject({ code: expect.stringMatching(/^(ssh|read|snapshot|quiesce)\./) as string });
    else points.push((outcome as { restorePoint: string }).restorePoint);
  }

  /** The way to the host goes, and the backup with it, unless its restore point is saved already. */
  async function breakWay(way: 'connection' | 'sshd', at: StrikePlan, of: BackupSetting): Promise<void> {
    let fallen: Promise<unknown> | undefined;
    const striker = planStrike(at, () => {
      fallen = HITS[way]();
    });
    const outcome = await runBackup(
      through(way, of),
      () => undefined,
      never,
      (inner) => striker.wrap(inner),
    ).catch((error: unknown) => error);
    expect(striker.hasFired(), 'the strike has fallen').toBe(true);
    await fallen;
    guest.proxy.resume();
    judge(outcome);
  }

  async function strike(way: Way, at: StrikePlan, of = setting): Promise<void> {
    // A step that reads small files has one to read, whatever the applications did since the backup before.
    await guest.must(`date +%s.%N > '${of.paths[0]}/struck'`, { signal: never });
    if (way === 'connection' || way === 'sshd') return await breakWay(way, at, of);
    await killClient({ at }, through(way, of));
    if (way === 'all') await HITS.all();
    guest.proxy.resume();
  }

  async function strikeWhen(way: Way, isDue: () => Promise<boolean>, of = setting): Promise<void> {
    const child = childOf(through(way, of), {});
    let isOver = false;
    void child.finally(() => {
      isOver = true;
    });
    while (!(await isDue())) if (isOver) throw new Error(`the backup ended before: ${(await child).stderr}`);
    if (way === 'client' || way === 'all') child.kill('SIGKILL');
    if (way !== 'client') await HITS[way]();
    const ended = await child;
    guest.proxy.resume();
    if (way === 'client' || way === 'all') expectKilled(ended);
    else expect(ended.exitCode, 'the backup does not succeed').not.toBe(0);
  }

  const owned = started.move();
  return {
    ...{ guest, setting, points, restic, killClient, strike, strikeWhen },
    async stepsOfBackup() {
      const recordings: Recording[] = [];
      const { restorePoint } = await runBackup(
        setting,
        () => undefined,
        never,
        (inner) => {
          const recording = recordTransport(inner);
          recordings.push(recording);
          return recording;
        },
      );
      points.push(restorePoint);
      return new Set(recordings.flatMap((recording) => recording.exchanges()).map(({ script }) => script?.name));
    },
    async expireLeases() {
      const script = 'for f in /run/stillpoint/*/expires; do [ ! -e "$f" ] || echo 0 > "$f"; done';
      // An sshd that was killed comes back first.
      await expect
        .poll(async () => (await guest.run(script, { signal: never })).code, { timeout: SSHD_BUDGET_MS, interval: 500 })
        .toBe(0);
    },
    async expectCleanHost() {
      const deadline = performance.now() + WATCHMAN_BUDGET_MS;
      // What goes last is quick to look for. Who looks for everything all the time keeps the watchman of the slow guest from his work.
      const isOver = async (): Promise<boolean> =>
        (await guest.run('[ ! -e /run/stillpoint ]', { signal: never })).code === 0;
      while (!(await isOver()) && performance.now() < deadline) await delay(300);
      let traces = await guest.traces({ signal: never });
      while (traces.length > 0 && performance.now() < deadline) {
        await delay(500);
        traces = await guest.traces({ signal: never });
      }
      expect(traces).toEqual([]);
      const probes = await guest.freezeState({ seconds: 10, signal: never });
      expect(probes.filter((probe) => !probe.isAccepted)).toEqual([]);
    },
    async expectWholeRepository() {
      // A killed client leaves its lock; restic must see by itself that it is stale, and only then lets go of it.
      await restic('unlock');
      expect(await restic('check')).toContain('no errors were found');
      const listed = (JSON.parse(await restic('snapshots', '--json')) as { id: string }[]).map((point) => point.id);
      expect(listed).toEqual(expect.arrayContaining(points));
    },
    async expectNextBackup() {
      points.push((await runBackup(setting, () => undefined, never)).restorePoint);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
