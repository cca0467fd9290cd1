/** Which runs of a store's jobs are dead: only what is proved, and no longer than something may be left of them. */
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import { identifyProcess, type ProcessIdentity } from '../../../shared/base/process-identity.ts';
import type { JobOutcome } from '../../../shared/domain/events.ts';
import { type JobId, jobId, newRunId, type RunId, sourceName } from '../../../shared/domain/names.ts';
import { planIdOf } from '../../../shared/domain/plan-id.ts';
import { JobStore } from '../../../shared/jobs/job-store.ts';
import { RecordKeeper } from '../../../shared/jobs/record-keeper.ts';
import { deadRuns, runRegister } from '../../../shared/jobs/run-register.ts';
import { settledFacts } from '../../../shared/jobs/settle.ts';
import { aRecord } from '../../support/jobs/a-record.ts';

const HERE = planIdOf({ host: 'here' });
const THERE = planIdOf({ host: 'there' });
const PLACES = planIdOf({ source: 'a' });

let folder: string;
let store: JobStore;
let self: ProcessIdentity;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-runs-'));
  store = await JobStore.open(join(folder, 'state'));
  const identity = await identifyProcess();
  if (identity === undefined) throw new Error('no process');
  self = identity;
});
afterEach(() => rm(folder, { recursive: true }));

/** A job whose runner is `runner`, with a run on a machine. */
async function aJob(runner: ProcessIdentity, machine = HERE): Promise<{ readonly id: JobId; readonly run: RunId }> {
  const record = aRecord({ request: { kind: 'backup', source: sourceName('a') }, starter: self });
  await store.create(record);
  await store.claim(record.id, runner);
  const run = newRunId();
  await new RecordKeeper(store, record).begin(run, { machine, places: PLACES });
  return { id: record.id, run };
}

const dead = async (): Promise<RunId[]> => (await deadRuns(store)).map(({ run }) => run);
const gone = (): ProcessIdentity => ({ ...self, start: '1' });
const end = (id: JobId, outcome: JobOutcome) =>
  store.finish(id, { type: 'job-finished', seq: 1, at: '2026-01-01T00:00:00.000Z', outcome });

describe('a run is dead', () => {
  test('when its process is gone, before and after somebody has said that its job was interrupted', async () => {
    const { id, run } = await aJob(gone());
    expect(await dead()).toEqual([run]);
    expect((await settledFacts(store, id, systemClock))?.finished?.outcome).toBe('interrupted');
    expect(await dead()).toEqual([run]);
  });

  test.each(['succeeded', 'failed', 'cancelled'] as const)(
    'when its own process has said "%s", the last word, and could not clean up',
    async (outcome) => {
      const { id, run } = await aJob(self);
      await end(id, outcome);
      expect(await dead()).toEqual([run]);
    },
  );
});

describe('a run is not dead', () => {
  test('while its process lives', async () => {
    await aJob(self);
    expect(await dead()).toEqual([]);
  });

  test.each<[string, Partial<ProcessIdentity>]>([
    ['on another machine that shares the folder', { hostname: 'other', start: '1' }],
    ['on another machine of the same name', { machine: 'other', boot: 'other' }],
    ['in another container', { namespace: 'pid:[1]', start: '1' }],
  ])('when its process is %s and silent, also after its job was given up', async (_, facts) => {
    const { id } = await aJob({ ...self, ...facts });
    await utimes(store.path(id, 'heartbeat'), 0, 0);
    expect(await dead()).toEqual([]);
    await settledFacts(store, id, systemClock);
    await end(id, 'interrupted');
    expect(await dead()).toEqual([]);
  });

  test('when nothing of it is left', async () => {
    const { id } = await aJob(gone());
    await store.markReleased(id);
    expect(await dead()).toEqual([]);
  });
});

describe('after a sweep', () => {
  const nothing = (): Promise<void> => Promise.resolve();
  const register = (machine: typeof HERE) =>
    runRegister(
      store,
      { machine, places: PLACES, job: jobId('00112233aabbccdd'), spares: true, giveUp: nothing },
      nothing,
    );

  test('the dead runs of that machine are not named again, but for what was kept', async () => {
    const [swept, kept] = [await aJob(gone()), await aJob(gone())];
    const elsewhere = await aJob(gone(), THERE);
    const object = `vg0/sp_${kept.run}_11111111`;
    await register(HERE).swept({ removed: [], kept: [{ object, reason: 'it is in use' }] });
    expect((await dead()).toSorted()).toEqual([kept.run, elsewhere.run].toSorted());
    expect(await dead()).not.toContain(swept.run);
  });

  test('a run that was found under another name of its machine is not named again', async () => {
    const { run } = await aJob(gone(), THERE);
    await register(HERE).swept({ removed: [`/run/stillpoint/${run}`], kept: [] });
    expect(await dead()).toEqual([]);
  });

  test('a living run is not taken for released', async () => {
    const { id } = await aJob(self);
    await register(HERE).swept({ removed: [], kept: [] });
    expect((await store.facts(id))?.released).toBe(false);
  });
});

test('a run that cannot be written down is not begun', async () => {
  const record = aRecord({ request: { kind: 'backup', source: sourceName('a') }, starter: self });
  await store.create(record);
  const keeper = new RecordKeeper(store, record);
  await rm(store.jobFolder(record.id), { recursive: true });
  await expect(keeper.begin(newRunId(), { machine: HERE, places: PLACES })).rejects.toMatchObject({
    code: 'job.store-unusable',
  });
});
