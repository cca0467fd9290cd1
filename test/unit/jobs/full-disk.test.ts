/** A state folder on a disk that is full: nothing is half said, and what comes after there is room again is whole. */
import { rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import { identifyProcess } from '../../../shared/base/process-identity.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { EventLogReader, EventLogWriter } from '../../../shared/jobs/event-log.ts';
import { JobStore } from '../../../shared/jobs/job-store.ts';
import { settledFacts } from '../../../shared/jobs/settle.ts';
import { type MountedFileSystem, mountTmpfs } from '../../lab/tmpfs.ts';
import { aRecord } from '../../support/jobs/a-record.ts';

let disk: MountedFileSystem;
beforeEach(async ({ skip }) => {
  if (userInfo().uid !== 0) skip('mounting a small file system needs root');
  disk = await mountTmpfs({ sizeBytes: 16 * 4096 });
  return () => disk[Symbol.asyncDispose]();
});

describe('on a full disk', () => {
  test('the log drops what has no room, and numbers and reads on without a gap', async () => {
    const path = join(disk.path, 'log');
    const ballast = join(disk.path, 'ballast');
    await writeFile(ballast, Buffer.alloc(12 * 4096));
    using log = new EventLogWriter(path, () => new Date(0));
    const skipped = (size: number) =>
      log.append({ type: 'item-skipped', path: 'x'.repeat(size), reason: String(log.lastSeq + 1) });
    let written = 0;
    while (skipped(700)) written += 1;
    // The last one was cut in the middle; a shorter one may not be glued to its half.
    expect(skipped(700)).toBe(false);
    await rm(ballast);
    expect([skipped(10), skipped(10)]).toEqual([true, true]);
    await using reader = new EventLogReader(path);
    const events: RunEvent[] = [];
    for await (const event of reader.read()) events.push(event);
    expect(written).toBeGreaterThan(5);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: written + 2 }, (_, index) => index + 1));
    expect(events.every((event) => event.type === 'item-skipped' && event.reason === String(event.seq))).toBe(true);
  });

  test('there is room to say how a job ended, and nobody is refused the list', async () => {
    await disk[Symbol.asyncDispose]();
    disk = await mountTmpfs({ sizeBytes: 1024 * 1024 });
    const store = await JobStore.open(join(disk.path, 'state'));
    const self = await identifyProcess();
    if (self === undefined) throw new Error('no process');
    const request = { kind: 'check', repository: repositoryName('main') } as const;
    const [record, dead] = [aRecord({ request, starter: self }), aRecord({ request, starter: self })];
    for (const one of [record, dead]) await store.create(one);
    await store.claim(record.id, self);
    await store.claim(dead.id, { ...self, start: '1' });
    await store.makeWorkFolder(record.id);
    await writeFile(join(disk.path, 'ballast'), Buffer.alloc(1024 * 1024)).catch(() => undefined);

    expect(await settledFacts(store, dead.id, systemClock)).toMatchObject({
      finished: { outcome: 'interrupted' },
      isPresumed: true,
    });
    expect((await store.facts(dead.id))?.finished).toBeUndefined();
    await store.removeWorkFolder(record.id);
    const skipped = Array.from({ length: 500 }, (_, index) => ({ path: `/a/long/path/${index}`, reason: 'Why.' }));
    const error = { code: 'read.incomplete', message: 'm', advice: 'a', details: { skipped } };
    const end = { type: 'job-finished', seq: 1, at: '2026-01-01T00:00:00.000Z', outcome: 'failed', error } as const;
    expect(await store.finish(record.id, end)).toBe(true);
    expect((await store.facts(record.id))?.finished).toMatchObject({ error });
  });

  test('the store says so, and what it holds stays whole', async () => {
    const store = await JobStore.open(join(disk.path, 'state'));
    const owner = await store.owner();
    await rm(join(store.folder, 'owner'));
    await writeFile(join(disk.path, 'ballast'), Buffer.alloc(16 * 4096)).catch(() => undefined);
    await expect(store.owner()).rejects.toMatchObject({
      code: 'job.store-unusable',
      advice: 'The disk is full. Make room; until then no jobs can be recorded.',
    });
    await rm(join(disk.path, 'ballast'));
    expect(await store.owner()).not.toBe(owner);
  });
});
