/** The job store's folder: whose it is, who is first, what is kept, and what becomes of jobs whose process is gone. */
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import { identifyProcess, type ProcessIdentity } from '../../../shared/base/process-identity.ts';
import { hostName, type JobId, newJobId } from '../../../shared/domain/names.ts';
import { JobStore, stateOf } from '../../../shared/jobs/job-store.ts';
import { KEEP_ALWAYS, KEEP_JOBS, pruneRecords } from '../../../shared/jobs/prune-records.ts';
import { settledFacts } from '../../../shared/jobs/settle.ts';
import { aRecord } from '../../support/jobs/a-record.ts';

let folder: string;
let store: JobStore;
let self: ProcessIdentity;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-store-'));
  store = await JobStore.open(join(folder, 'state'));
  const identity = await identifyProcess();
  if (identity === undefined) throw new Error('no process');
  self = identity;
});
afterEach(() => rm(folder, { recursive: true }));

const dead = (): ProcessIdentity => ({ ...self, start: '1' });
const at = (time: string): Clock => ({ ...systemClock, now: () => new Date(time) });

async function createJob(starter: ProcessIdentity, createdAt = '2026-01-01T00:00:00.000Z'): Promise<JobId> {
  const record = aRecord({ request: { kind: 'sweep', host: hostName('db1') }, createdAt, starter });
  await store.create(record);
  return record.id;
}

const finish = (id: JobId, time: string): Promise<boolean> =>
  store.finish(id, { type: 'job-finished', seq: 1, at: time, outcome: 'succeeded' });

describe('the folder', () => {
  test('is for the user alone, also when it was there with other rights', async () => {
    expect((await stat(store.folder)).mode & 0o777).toBe(0o700);
    await chmod(store.folder, 0o755);
    await JobStore.open(store.folder);
    expect((await stat(store.folder)).mode & 0o777).toBe(0o700);
    const id = await createJob(self);
    expect((await stat(store.path(id, 'record.json'))).mode & 0o777).toBe(0o600);
  });

  test('says what is wrong with it', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(JobStore.open(join(folder, 'file'))).rejects.toMatchObject({ code: 'job.store-unusable' });
  });

  test('has one owner, whoever asks first', async () => {
    const owners = await Promise.all(Array.from({ length: 20 }, () => store.owner()));
    expect(new Set(owners).size).toBe(1);
    expect(owners[0]).toMatch(/^[0-9a-f]{12}$/);
    expect(await (await JobStore.open(store.folder)).owner()).toBe(owners[0]);
    expect((await readdir(store.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('holds what another version wrote without being disturbed by it', async () => {
    const id = newJobId();
    await mkdir(store.jobFolder(id));
    await writeFile(store.path(id, 'record.json'), '{"version": 2, "request": {"kind": "rehearse"}}');
    await mkdir(join(store.folder, 'jobs', 'something else'));
    expect(await store.ids()).toEqual([id]);
    expect(await store.facts(id)).toBeUndefined();
  });
});

describe('a job', () => {
  test('has one runner and one end', async () => {
    const id = await createJob(self);
    const claims = await Promise.all(Array.from({ length: 10 }, () => store.claim(id, self)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    const ends = await Promise.all(Array.from({ length: 10 }, () => finish(id, '2026-01-01T00:00:00.000Z')));
    expect(ends.filter(Boolean)).toHaveLength(1);
    await store.requestCancel(id);
    expect(stateOf((await store.facts(id)) ?? expect.fail()), 'what is finished is not cancelled').toBe('succeeded');
  });

  test('that nobody claimed waits for its starter, and ends with it', async () => {
    const waiting = await createJob(self);
    const orphaned = await createJob(dead());
    expect(stateOf((await settledFacts(store, waiting, systemClock)) ?? expect.fail())).toBe('queued');
    const readers = await Promise.all(Array.from({ length: 10 }, () => settledFacts(store, orphaned, systemClock)));
    // Those who came second may still have seen it unfinished; there is no third state.
    expect(new Set(readers.map((facts) => facts?.finished?.outcome ?? 'queued')).has('interrupted')).toBe(true);
    expect((await settledFacts(store, orphaned, systemClock))?.finished).toMatchObject({
      outcome: 'interrupted',
      seq: 1,
    });
    expect(await store.claim(orphaned, self), 'its runner comes too late').toBe(false);
  });

  test('that a reader was about to end when the reader died is ended by the next one', async () => {
    const id = await createJob(dead());
    await store.claim(id, dead());
    expect((await settledFacts(store, id, systemClock))?.finished?.outcome).toBe('interrupted');
  });

  test('lives on when the clock jumps', async () => {
    const id = await createJob(dead());
    await store.claim(id, self);
    for (const time of ['1970-01-01T00:00:00Z', '2099-01-01T00:00:00Z']) {
      expect((await settledFacts(store, id, at(time)))?.finished, time).toBeUndefined();
    }
  });
});

describe('old records', { timeout: 30_000 }, () => {
  test('go by number and by age; some stay whatever the clock says, and what is not finished stays', async () => {
    const old: JobId[] = [];
    for (let day = 0; day < KEEP_ALWAYS + 5; day += 1) {
      const time = new Date(Date.UTC(2026, 0, 1 + day)).toISOString();
      old.push(await createJob(self, time));
      if (day !== 2) await finish(old[day] ?? expect.fail(), time);
    }
    await pruneRecords(store, at('2026-03-01T00:00:00Z'));
    expect(await store.ids()).toHaveLength(KEEP_ALWAYS + 5);
    await pruneRecords(store, at('2099-01-01T00:00:00Z'));
    expect((await store.ids()).toSorted()).toEqual([...old.slice(5), old[2] ?? ''].toSorted());
  });

  test('are no more than a fixed number', async () => {
    const time = '2026-01-01T00:00:00.000Z';
    const jobs = Array.from({ length: KEEP_JOBS + 7 }, () => createJob(self, time).then((id) => finish(id, time)));
    await Promise.all(jobs);
    await pruneRecords(store, at(time));
    expect(await store.ids()).toHaveLength(KEEP_JOBS);
  });
});
