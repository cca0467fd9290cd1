/**
 * The kill test: before, in and after every step of a backup on the host, and at the phases that have no step there, the
 * client is killed, the connection is cut for good, or the host's sshd is killed. Each time, after the end of the lease,
 * the host bears no trace of ours and takes writes, the repository is clean for restic, earlier restore points are still
 * there, and the next backup succeeds. A strike that did not fall fails its test, and the steps are counted.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { consequencesOf } from '../../../shared/domain/consequences.ts';
import { foldFacts } from '../../../shared/domain/fold-facts.ts';
import { sourceName } from '../../../shared/domain/names.ts';
import { NO_FACTS } from '../../../shared/domain/run-facts.ts';
import type { PhaseOf } from '../../../shared/domain/verbs/verbs.ts';
import { type LivingWriter, startWriter } from '../../lab/living-writer.ts';
import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { NO_RESTIC } from '../../support/restic.ts';
import { runBackup } from './backup-fixture.ts';
import { type KillLab, startKillLab, type UsualStrikes } from './kill-lab.ts';
import { strikeEach } from './strike-each.ts';

const LEASE_SECONDS = 30;
const whyNot = NO_RESTIC ?? (await reasonLabCannotRun());
let lab: KillLab;
let writer: LivingWriter;
const never = new AbortController().signal;

beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));

beforeAll(async () => {
  if (whyNot !== undefined) return;
  lab = await startKillLab({ paths: ['/var/lib/mysql'], leaseSeconds: LEASE_SECONDS });
  writer = await startWriter(lab.guest, { pauseMs: 200 }, never);
  await lab.expectNextBackup();
});

afterAll(async () => {
  await writer?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
});

/** All remote commands of such a backup, in the order in which each runs first. */
const STEPS = [
  ...['identify-account', 'sweep-host', 'identify-host', 'read-mounts', 'list-block-devices'],
  ...['list-logical-volumes', 'list-volume-groups', 'read-lvm-limits', 'read-thin-pools', 'list-datasets'],
  ...['measure-mounts', 'resolve-paths', 'arm-lease', 'take-snapshots', 'mount-snapshots'],
  ...['list-tree', 'list-ancestors', 'pack-files', 'head-of-file', 'file-parts'],
  ...['observe-snapshots', 'renew-lease', 'release-lease'],
] as const;
type Step = (typeof STEPS)[number];

/** All strikes take half an hour in the slow lab.guest. A usual run strikes where the host is changed or read, each in one way. */
const USUAL: UsualStrikes<Step> = {
  'sweep-host': { in: 'client' },
  'arm-lease': { in: 'sshd', after: 'client' },
  'take-snapshots': { before: 'connection', in: 'client', after: 'sshd' },
  'mount-snapshots': { in: 'connection' },
  'pack-files': { in: 'sshd' },
  'head-of-file': { in: 'client' },
  'file-parts': { before: 'sshd', in: 'client', after: 'connection' },
  'observe-snapshots': { after: 'client' },
  'release-lease': { in: 'connection' },
};
/** Gives the number of restore points, one more than before. */
async function whatIsThere(): Promise<number> {
  await lab.expireLeases();
  await lab.expectCleanHost();
  await lab.expectWholeRepository();
  await lab.expectNextBackup();
  return lab.points.length;
}

test('the steps of a backup on the host are those that are struck', async () => {
  expect(await lab.stepsOfBackup()).toEqual(new Set(STEPS));
});

strikeEach(
  { steps: STEPS, usual: USUAL },
  () => lab,
  async () => {
    await whatIsThere();
  },
);

describe.each<PhaseOf<'backup'>>(['connect', 'commit'])('at %s, which has no step on the host', (phase) => {
  test('the client is killed', async () => {
    const before = lab.points.length;
    await lab.killClient({ phase });
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
      { ...lab.setting, alias },
      (event) => {
        facts = foldFacts(facts, event);
        if (event.type !== `phase-${edge}` || !('phase' in event) || event.phase !== phase) return;
        stop.abort(new Error('a person does not want it any more'));
        more();
      },
      stop.signal,
    );
    expect(stop.signal.aborted).toBe(true);
    lab.points.push(restorePoint);
    const words = consequencesOf({ kind: 'backup', source: sourceName('shop') }, facts).join(' ');
    return { words, point: restorePoint.slice(0, 8) };
  }

  test('between the commit and the release', async () => {
    const { words, point } = await cancelled('lab', 'commit', 'finished');
    expect(words).toBe(`The restore point ${point} is saved. Its snapshot on "lab" was removed.`);
    expect(await lab.guest.traces({ signal: never })).toEqual([]);
    await lab.expectWholeRepository();
  });

  test('at the release, when the connection is cut for good too', async () => {
    const { words, point } = await cancelled('lab-proxied', 'release', 'started', () => {
      lab.guest.proxy.refuse();
      lab.guest.proxy.cut();
    });
    lab.guest.proxy.resume();
    const left = String.raw`Something of the run [0-9a-f]{8} may be left on "lab"; its watchman there, and the next job`;
    expect(words).toMatch(new RegExp(`^The restore point ${point} is saved. ${left}, try to remove it.$`));
    await lab.expireLeases();
    await lab.expectCleanHost();
    await lab.expectWholeRepository();
  });
});

test('a client that is killed three times within one lease leaves nothing to the fourth', async () => {
  const free = async (): Promise<number> =>
    Number((await lab.guest.run('vgs --noheadings -o vg_free_count vg0', { signal: never })).stdout);
  const before = await free();
  const long = { ...lab.setting, leaseSeconds: 3600 };
  for (const phase of ['mount', 'read', 'end-check']) {
    await lab.killClient({ phase }, long);
    expect(await free(), 'what the one before left has gone, and no more than one is there').toBeGreaterThan(
      before * 0.4,
    );
  }
  expect(await free()).toBeLessThan(before);
  lab.points.push((await runBackup(long, () => undefined, never)).restorePoint);
  expect(await lab.guest.traces({ signal: never })).toEqual([]);
  expect(await free()).toBe(before);
  await lab.expectWholeRepository();
});

test('after all of it every byte of the repository is what its name says', async () => {
  expect(await lab.restic('check', '--read-data')).toContain('no errors were found');
  // One backup before, and one after each strike.
  expect(lab.points.length).toBeGreaterThan(Object.keys(USUAL).length);
});
