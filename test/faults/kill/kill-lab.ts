/**
 * A guest, a repository, and backups that are struck: the client is killed, the connection is cut for good, or the
 * host's sshd is killed, before, in or after a step on the host. What must hold afterwards is asked here, too.
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

export const WAYS = ['client', 'connection', 'sshd'] as const;
type Way = (typeof WAYS)[number];
type Moment = (typeof MOMENTS)[number];

export const NOT_DUE =
  'a usual run strikes some steps, each in one way; STILLPOINT_KILL=all strikes before, in and after all';

/** What a run strikes that is not thorough. */
export type UsualStrikes<Step extends string> = Partial<Record<Step, Partial<Record<Moment, Way>>>>;

/** How a step is struck at a moment, if it is: in a thorough run everything is, and the ways take turns. */
export function wayAt<Step extends string>(
  due: { readonly steps: readonly Step[]; readonly usual: UsualStrikes<Step> },
  step: Step,
  moment: Moment,
): Way | undefined {
  const turn = due.steps.indexOf(step) + MOMENTS.indexOf(moment);
  return process.env['STILLPOINT_KILL'] === 'all' ? WAYS[turn % WAYS.length] : due.usual[step]?.[moment];
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
  strike(way: Way, at: StrikePlan): Promise<void>;
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

  async function killClient(death: Death, of = setting): Promise<void> {
    const child = await execa(
      process.execPath,
      [join(import.meta.dirname, 'backup-child.ts'), JSON.stringify(of), JSON.stringify(death)],
      { reject: false },
    );
    if (child.signal !== 'SIGKILL') throw new Error(`the client was not killed: ${child.stderr}`);
  }

  /** The way to the host goes, and the backup with it, unless its restore point is saved already. */
  async function breakWay(way: Exclude<Way, 'client'>, at: StrikePlan): Promise<void> {
    let fallen: Promise<unknown> = Promise.resolve();
    const striker = planStrike(at, () => {
      if (way === 'sshd') fallen = guest.run('pkill -KILL sshd', { signal: never }).catch(() => undefined);
      else {
        guest.proxy.refuse();
        guest.proxy.cut();
      }
    });
    const alias = way === 'sshd' ? 'lab' : 'lab-proxied';
    const outcome = await runBackup(
      { ...setting, alias },
      () => undefined,
      never,
      (inner) => striker.wrap(inner),
    ).catch((error: unknown) => error);
    expect(striker.hasFired(), 'the strike has fallen').toBe(true);
    await fallen;
    guest.proxy.resume();
    if (outcome instanceof Error)
      expect(outcome).toMatchObject({ code: expect.stringMatching(/^(ssh|read|snapshot|quiesce)\./) as string });
    else points.push((outcome as { restorePoint: string }).restorePoint);
  }

  const owned = started.move();
  return {
    ...{ guest, setting, points, restic, killClient },
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
    async strike(way, at) {
      if (way === 'client') await killClient({ at });
      else await breakWay(way, at);
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
      let traces = await guest.traces({ signal: never });
      while (traces.length > 0 && performance.now() < deadline) {
        // Who looks all the time keeps the watchman of the slow guest from his work.
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
