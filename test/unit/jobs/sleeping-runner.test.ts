/** A runner on another machine that shares the folder: silent for a night, it may be asleep, and its word still counts. */
import { mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { identifyProcess, SILENCE_MS } from '../../../shared/base/process-identity.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { JobDirectory } from '../../../shared/facade/job-directory.ts';
import { tryLock } from '../../../shared/jobs/generation-lock.ts';
import { JobStore, stateOf } from '../../../shared/jobs/job-store.ts';
import type { JobRecord } from '../../../shared/jobs/records.ts';
import { settledFacts } from '../../../shared/jobs/settle.ts';
import { findUnfinished } from '../../../shared/jobs/start-job.ts';
import { aRecord } from '../../support/jobs/a-record.ts';

let folder: string;
let store: JobStore;
let record: JobRecord;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-asleep-'));
  store = await JobStore.open(join(folder, 'state'));
  const self = await identifyProcess();
  if (self === undefined) throw new Error('no process');
  record = aRecord({ request: { kind: 'verify', repository: repositoryName('main') }, starter: self });
  await store.create({ ...record, startedAt: '2026-01-01T00:00:00.000Z' });
  await store.claim(record.id, { ...self, hostname: 'the-other-laptop', pid: 4711 });
});
afterEach(() => rm(folder, { recursive: true }));

async function silentFor(ms: number): Promise<void> {
  const when = new Date(Date.now() - ms);
  await utimes(store.path(record.id, 'heartbeat'), when, when);
}
const state = async (clock: Clock = systemClock) => {
  const facts = await settledFacts(store, record.id, clock);
  return facts && stateOf(facts);
};

test('is not given up while it beats, whatever our own clock says', async () => {
  await silentFor(SILENCE_MS / 2);
  expect(await state()).toBe('running');
  const ahead: Clock = { ...systemClock, now: () => new Date(Date.now() + 365 * 86_400_000) };
  expect(await state(ahead)).toBe('running');
});

test('is shown as interrupted when it is silent, and as running when it beats again', async () => {
  await silentFor(SILENCE_MS + 60_000);
  const facts = await settledFacts(store, record.id, systemClock);
  expect(facts).toMatchObject({ isPresumed: true, finished: { outcome: 'interrupted' } });
  expect(facts?.finished?.error?.message).toMatch(/\(process 4711 on "the-other-laptop"\) was last heard of at /);
  expect(facts?.finished?.error?.advice).toContain('It may be asleep');
  expect(await findUnfinished(store, record.identity, systemClock), 'nobody waits for it').toBeUndefined();
  await store.beat(record.id);
  expect(await state()).toBe('running');
  expect(await findUnfinished(store, record.identity, systemClock)).toBe(record.id);
});

test('has the last word when it wakes, also for a shell that has looked before', async () => {
  const desk = new JobDirectory(() => Promise.resolve(store), systemClock, silentLogger);
  await silentFor(SILENCE_MS + 60_000);
  expect((await desk.find(record.id)).state).toBe('interrupted');
  await store.finish(record.id, { type: 'job-finished', seq: 2, at: '2026-01-02T00:00:00.000Z', outcome: 'succeeded' });
  expect((await desk.find(record.id)).state).toBe('succeeded');
});

test('a beat has the time of whoever keeps the folder', async () => {
  const path = store.path(record.id, 'heartbeat');
  const before = await store.facts(record.id);
  await silentFor(SILENCE_MS);
  await store.beat(record.id);
  expect((await store.now()).getTime() - (await stat(path)).mtimeMs).toBeLessThan(SILENCE_MS / 2);
  expect((await store.facts(record.id))?.runner?.identity, 'and leaves what is in it').toEqual(
    before?.runner?.identity,
  );
});

test('a lock of it is its own for as long as it beats', async () => {
  const path = join(folder, 'lock');
  const held = await tryLock(path);
  const entry = join(path, '1');
  const { readFile, writeFile } = await import('node:fs/promises');
  await writeFile(
    entry,
    (await readFile(entry, 'utf8')).replace(/"hostname":"[^"]*"/, '"hostname":"the-other-laptop"'),
  );
  expect(await tryLock(path)).toBeUndefined();
  const old = new Date(Date.now() - SILENCE_MS - 60_000);
  await utimes(entry, old, old);
  const taken = await tryLock(path);
  expect(taken?.uncleanBefore).toBe(true);
  await taken?.release({ clean: true });
  await held?.release({ clean: true });
});
