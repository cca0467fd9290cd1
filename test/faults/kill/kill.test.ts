/**
 * The kill test: before, in and after every step of a backup on the host, and at the phases that have no step there, the
 * client is killed, the connection is cut for good, or the host's sshd is killed. Each time, after the end of the lease,
 * the host bears no trace of ours and takes writes, the repository is clean for restic, earlier restore points are still
 * there, and the next backup succeeds. A strike that did not fall fails its test, and the steps are counted.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { consequencesOf } from '../../../shared/domain/consequences.ts';
import { foldFacts } from '../../../shared/domain/fold-facts.ts';
import { sourceName } from '../../../shared/domain/names.ts';
import { NO_FACTS } from '../../../shared/domain/run-facts.ts';
import type { PhaseOf } from '../../../shared/domain/verbs/verbs.ts';
import { type Guest, startGuest } from '../../lab/guest.ts';
import { type LivingWriter, startWriter } from '../../lab/living-writer.ts';
import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { type Recording, recordTransport } from '../../support/remote/recording.ts';
import { MOMENTS, planStrike, type StrikePlan } from '../../support/remote/striking.ts';
import { NO_RESTIC } from '../../support/restic.ts';
import type { Death } from './backup-child.ts';
import { type BackupSetting, createTestRepository, PASSWORD, repositoryFolder, runBackup } from './backup-fixture.ts';

const LEASE_SECONDS = 60;
/** How long the watchman may take from the end of a lease until the host is clean; the guest is slow. */
const WATCHMAN_BUDGET_MS = 45_000;
/** How long the guest may take to start its sshd again. */
const SSHD_BUDGET_MS = 20_000;
const whyNot = NO_RESTIC ?? (await reasonLabCannotRun());
let guest: Guest;
let writer: LivingWriter;
let folder: string;
let setting: BackupSetting;
/** Restore points whose backup has reported success. */
const points: string[] = [];
const never = new AbortController().signal;

async function restic(...args: string[]): Promise<string> {
  const { stdout } = await execa('restic', ['--no-cache', '-r', repositoryFolder(setting), ...args], {
    env: { RESTIC_PASSWORD: PASSWORD },
  });
  return stdout;
}

/**
 * Lets the time of every lease on the guest run out now, instead of waiting for it; an sshd that was killed comes
 * back first.
 */
async function expireLeases(): Promise<void> {
  const script = 'for f in /run/stillpoint/*/expires; do [ ! -e "$f" ] || echo 0 > "$f"; done';
  await expect
    .poll(async () => (await guest.run(script, { signal: never })).code, { timeout: SSHD_BUDGET_MS, interval: 500 })
    .toBe(0);
}

async function expectCleanHost(): Promise<void> {
  await expireLeases();
  const deadline = performance.now() + WATCHMAN_BUDGET_MS;
  let traces = await guest.traces({ signal: never });
  while (traces.length > 0 && performance.now() < deadline) traces = await guest.traces({ signal: never });
  expect(traces).toEqual([]);
  const probes = await guest.freezeState({ seconds: 10, signal: never });
  expect(probes.filter((probe) => !probe.isAccepted)).toEqual([]);
}

async function expectWholeRepository(): Promise<void> {
  // A killed client leaves its lock; restic must see by itself that it is stale, and only then lets go of it.
  await restic('unlock');
  expect(await restic('check')).toContain('no errors were found');
  const listed = (JSON.parse(await restic('snapshots', '--json')) as { id: string }[]).map((point) => point.id);
  expect(listed).toEqual(expect.arrayContaining(points));
}

async function expectNextBackup(): Promise<void> {
  points.push((await runBackup(setting, () => undefined, never)).restorePoint);
}

beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));

beforeAll(async () => {
  if (whyNot !== undefined) return;
  guest = await startGuest({}, never);
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-kill-'));
  setting = {
    sshConfigFile: guest.sshConfigFile,
    alias: 'lab',
    folder,
    paths: ['/var/lib/mysql'],
    leaseSeconds: LEASE_SECONDS,
  };
  await createTestRepository(setting, never);
  writer = await startWriter(guest, { pauseMs: 200 }, never);
  await expectNextBackup();
});

afterAll(async () => {
  await writer?.[Symbol.asyncDispose]();
  await guest?.[Symbol.asyncDispose]();
  if (whyNot === undefined) await rm(folder, { recursive: true, force: true });
});

/** All remote commands of such a backup, in the order in which each runs first. */
const STEPS = [
  ...['identify-account', 'sweep-host', 'identify-host', 'read-mounts', 'list-block-devices'],
  ...['list-logical-volumes', 'list-volume-groups', 'read-lvm-limits', 'read-thin-pools', 'list-datasets'],
  ...['measure-mounts', 'resolve-paths', 'arm-lease', 'take-snapshots', 'mount-snapshots'],
  ...['list-tree', 'list-ancestors', 'pack-files'],
  ...['observe-snapshots', 'renew-lease', 'release-lease'],
] as const;
type Step = (typeof STEPS)[number];
type Moment = (typeof MOMENTS)[number];
const WAYS = ['client', 'connection', 'sshd'] as const;
type Way = (typeof WAYS)[number];

/** All strikes take half an hour in the slow guest. A usual run strikes where the host is changed or read, each in one way. */
const USUAL: Partial<Record<Step, Partial<Record<Moment, Way>>>> = {
  'sweep-host': { in: 'client' },
  'arm-lease': { in: 'sshd', after: 'client' },
  'take-snapshots': { before: 'connection', in: 'client', after: 'sshd' },
  'mount-snapshots': { in: 'connection' },
  'pack-files': { in: 'sshd' },
  'observe-snapshots': { after: 'client' },
  'release-lease': { in: 'connection' },
};
const isThorough = process.env['STILLPOINT_KILL'] === 'all';
const NOT_DUE = 'a usual run strikes some steps, each in one way; STILLPOINT_KILL=all strikes before, in and after all';

/** In a thorough run the ways take turns. */
function wayAt(step: Step, moment: Moment): Way | undefined {
  const turn = STEPS.indexOf(step) + MOMENTS.indexOf(moment);
  return isThorough ? WAYS[turn % WAYS.length] : USUAL[step]?.[moment];
}

async function killClient(death: Death): Promise<void> {
  const child = await execa(
    process.execPath,
    [join(import.meta.dirname, 'backup-child.ts'), JSON.stringify(setting), JSON.stringify(death)],
    { reject: false },
  );
  expect(child.signal, child.stderr).toBe('SIGKILL');
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
    expect(outcome).toMatchObject({ code: expect.stringMatching(/^(ssh|read|snapshot)\./) as string });
  else points.push((outcome as { restorePoint: string }).restorePoint);
}

/** Gives the number of restore points, one more than before. */
async function whatIsThere(): Promise<number> {
  await expectCleanHost();
  await expectWholeRepository();
  await expectNextBackup();
  return points.length;
}

test('the steps of a backup on the host are those that are struck', async () => {
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
  const ran = recordings.flatMap((recording) => recording.exchanges()).map(({ script }) => script?.name);
  expect(new Set(ran)).toEqual(new Set(STEPS));
});

describe.each(STEPS)('%s', (step) => {
  test.for(MOMENTS)('is struck %s', async (moment, { skip }) => {
    const way = wayAt(step, moment);
    skip(way === undefined, NOT_DUE);
    const before = points.length;
    if (way === 'client') await killClient({ at: { step, moment } });
    else if (way !== undefined) await breakWay(way, { step, moment });
    expect(await whatIsThere()).toBeGreaterThan(before);
  });
});

describe.each<PhaseOf<'backup'>>(['connect', 'commit'])('at %s, which has no step on the host', (phase) => {
  test('the client is killed', async () => {
    const before = points.length;
    await killClient({ phase });
    expect(await whatIsThere()).toBe(before + 1);
  });
});

describe('a cancel after the commit comes too late', () => {
  /** What the end means, as a job says it where it did not succeed. */
  async function cancelled(
    alias: string,
    phase: PhaseOf<'backup'>,
    edge: 'started' | 'finished',
    more = (): void => {},
  ) {
    const stop = new AbortController();
    let facts = NO_FACTS;
    const { restorePoint } = await runBackup(
      { ...setting, alias },
      (event) => {
        facts = foldFacts(facts, event);
        if (event.type !== `phase-${edge}` || !('phase' in event) || event.phase !== phase) return;
        stop.abort(new Error('a person does not want it any more'));
        more();
      },
      stop.signal,
    );
    expect(stop.signal.aborted).toBe(true);
    points.push(restorePoint);
    const words = consequencesOf({ kind: 'backup', source: sourceName('shop') }, facts).join(' ');
    return { words, point: restorePoint.slice(0, 8) };
  }

  test('between the commit and the release', async () => {
    const { words, point } = await cancelled('lab', 'commit', 'finished');
    expect(words).toBe(`The restore point ${point} is saved. Its snapshot on "lab" was removed.`);
    expect(await guest.traces({ signal: never })).toEqual([]);
    await expectWholeRepository();
  });

  test('at the release, when the connection is cut for good too', async () => {
    const { words, point } = await cancelled('lab-proxied', 'release', 'started', () => {
      guest.proxy.refuse();
      guest.proxy.cut();
    });
    guest.proxy.resume();
    const left = String.raw`Something of the run [0-9a-f]{8} may be left on "lab"; its watchman there, and the next job`;
    expect(words).toMatch(new RegExp(`^The restore point ${point} is saved. ${left}, try to remove it.$`));
    await expectCleanHost();
    await expectWholeRepository();
  });
});

test('a client that is killed three times within one lease leaves nothing to the fourth', async () => {
  const free = async (): Promise<number> =>
    Number((await guest.run('vgs --noheadings -o vg_free_count vg0', { signal: never })).stdout);
  const before = await free();
  const long = { ...setting, leaseSeconds: 3600 };
  for (const phase of ['mount', 'read', 'end-check']) {
    const child = await execa(
      process.execPath,
      [join(import.meta.dirname, 'backup-child.ts'), JSON.stringify(long), JSON.stringify({ phase })],
      { reject: false },
    );
    expect(child.signal).toBe('SIGKILL');
    expect(await free(), 'what the one before left has gone, and no more than one is there').toBeGreaterThan(
      before * 0.4,
    );
  }
  expect(await free()).toBeLessThan(before);
  points.push((await runBackup(long, () => undefined, never)).restorePoint);
  expect(await guest.traces({ signal: never })).toEqual([]);
  expect(await free()).toBe(before);
  await expectWholeRepository();
});

test('after all of it every byte of the repository is what its name says', async () => {
  expect(await restic('check', '--read-data')).toContain('no errors were found');
  // One backup before, and one after each strike.
  expect(points.length).toBeGreaterThan(Object.keys(USUAL).length);
});
