/**
 * The kill test: at every phase of a backup the client is killed, the connection is cut for good, and the host's sshd
 * is killed. Each time, after the end of the lease, the host bears no trace of ours and takes writes, the repository
 * is clean for restic, earlier restore points are still there, and the next backup succeeds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { consequencesOf } from '../../../shared/domain/consequences.ts';
import { BACKUP_PHASES, type BackupPhase, type RunEventBody } from '../../../shared/domain/events.ts';
import { foldFacts } from '../../../shared/domain/fold-facts.ts';
import { sourceName } from '../../../shared/domain/names.ts';
import { NO_FACTS } from '../../../shared/domain/run-facts.ts';
import { type Guest, startGuest } from '../../lab/guest.ts';
import { type LivingWriter, startWriter } from '../../lab/living-writer.ts';
import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { NO_RESTIC } from '../../support/restic.ts';
import { type BackupSetting, createTestRepository, PASSWORD, repositoryFolder, runBackup } from './backup-fixture.ts';

const LEASE_SECONDS = 60;
/** How long the watchman may take from the end of a lease until the host is clean; the guest is slow. */
const WATCHMAN_BUDGET_MS = 45_000;
/** How long the guest may take to start its sshd again. */
const SSHD_BUDGET_MS = 20_000;
/** A little into the phase, so that its command is under way; where a phase is over by then, the next one is hit. */
const DELAYS_MS: Partial<Record<BackupPhase, number>> = {
  preflight: 500,
  arm: 300,
  snapshot: 400,
  mount: 200,
  release: 400,
};

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

interface Strike {
  readonly emit: (event: RunEventBody) => void;
  /** The end of the strike, which may come after that of the backup; undefined while the phase has not begun. */
  readonly fallen: () => Promise<unknown> | undefined;
}

/** Calls `strike` once, when the phase has begun. */
function at(phase: BackupPhase, strike: () => unknown): Strike {
  let fallen: Promise<unknown> | undefined;
  const emit = (event: RunEventBody): void => {
    if (event.type !== 'phase-started' || event.phase !== phase) return;
    fallen ??= setTimeout(DELAYS_MS[phase] ?? 0).then(strike);
  };
  return { emit, fallen: () => fallen };
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

/** Thirty strikes take ten minutes in the slow guest. A usual run strikes each phase once, each time in one way. */
const WAYS = ['client', 'connection', 'sshd'] as const;
const USUAL: Record<BackupPhase, (typeof WAYS)[number]> = {
  connect: 'connection',
  preflight: 'client',
  arm: 'sshd',
  snapshot: 'client',
  mount: 'connection',
  list: 'sshd',
  read: 'connection',
  'end-check': 'client',
  commit: 'sshd',
  release: 'client',
};
function isDue(phase: BackupPhase, way: (typeof WAYS)[number]): boolean {
  return process.env['STILLPOINT_KILL'] === 'all' || USUAL[phase] === way;
}
const NOT_DUE = 'a usual run strikes each phase in one way; STILLPOINT_KILL=all strikes each in all ways';

describe.each(BACKUP_PHASES)('at %s', (phase) => {
  test('the client is killed', async ({ skip }) => {
    skip(!isDue(phase, 'client'), NOT_DUE);
    const child = await execa(
      process.execPath,
      [join(import.meta.dirname, 'backup-child.ts'), JSON.stringify(setting), phase, String(DELAYS_MS[phase] ?? 0)],
      { reject: false },
    );
    expect(child.signal).toBe('SIGKILL');
    await expectCleanHost();
    await expectWholeRepository();
    await expectNextBackup();
  });

  test('the connection is cut for good', async ({ skip }) => {
    skip(!isDue(phase, 'connection'), NOT_DUE);
    const strike = at(phase, () => {
      guest.proxy.refuse();
      guest.proxy.cut();
    });
    const outcome = await runBackup({ ...setting, alias: 'lab-proxied' }, strike.emit, never).catch(
      (error: unknown) => error,
    );
    expect(strike.fallen() ?? outcome).toBeInstanceOf(Promise);
    await strike.fallen();
    guest.proxy.resume();
    // Once the restore point is committed the backup has succeeded, whatever becomes of the release.
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: expect.stringMatching(/^ssh\./) as string });
    else points.push((outcome as { restorePoint: string }).restorePoint);
    await expectCleanHost();
    await expectWholeRepository();
    await expectNextBackup();
  });

  test("the host's sshd is killed", async ({ skip }) => {
    skip(!isDue(phase, 'sshd'), NOT_DUE);
    const strike = at(phase, () => guest.run('pkill -KILL sshd', { signal: never }).catch(() => undefined));
    const outcome = await runBackup(setting, strike.emit, never).catch((error: unknown) => error);
    expect(strike.fallen() ?? outcome).toBeInstanceOf(Promise);
    await strike.fallen();
    if (outcome instanceof Error)
      expect(outcome).toMatchObject({ code: expect.stringMatching(/^(ssh|read|snapshot)\./) as string });
    else points.push((outcome as { restorePoint: string }).restorePoint);
    await expectCleanHost();
    await expectWholeRepository();
    await expectNextBackup();
  });
});

describe('a cancel after the commit comes too late', () => {
  /** What the end means, as a job says it where it did not succeed. */
  async function cancelled(alias: string, phase: BackupPhase, edge: 'started' | 'finished', more = (): void => {}) {
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
      [join(import.meta.dirname, 'backup-child.ts'), JSON.stringify(long), phase, '0'],
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
