/** The job's log, with writers that stop in the middle, disks that are full, and readers that look at any moment. */
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { identifyProcess } from '../../../shared/base/process-identity.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { EventLogReader, EventLogWriter, readTail } from '../../../shared/jobs/event-log.ts';
import { followEvents } from '../../../shared/jobs/follow.ts';
import { JobStore } from '../../../shared/jobs/job-store.ts';
import { aRecord } from '../../support/jobs/a-record.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-log-'));
});
afterEach(() => rm(folder, { recursive: true }));

const AT = '2026-01-02T03:04:05.000Z';
const event = (seq: number, path = 'x'): RunEvent => ({ seq, at: AT, type: 'item-skipped', path, reason: 'r' });
const line = (seq: number, path?: string): string => `${JSON.stringify(event(seq, path))}\n`;

async function readAll(path: string, afterSeq = 0): Promise<RunEvent[]> {
  await using reader = new EventLogReader(path, afterSeq);
  return await Array.fromAsync(reader.read());
}

describe('the log', () => {
  test('drops a last line that a crash tore, and reads it when it was only slow', async () => {
    const path = join(folder, 'log');
    const third = Buffer.from(line(3, 'größe'));
    await writeFile(path, line(1) + line(2));
    await appendFile(path, third.subarray(0, 60));
    await using reader = new EventLogReader(path);
    expect((await Array.fromAsync(reader.read())).map(({ seq }) => seq)).toEqual([1, 2]);
    expect((await readTail(path)).map(({ seq }) => seq)).toEqual([1, 2]);
    await appendFile(path, third.subarray(60));
    expect(await Array.fromAsync(reader.read())).toEqual([event(3, 'größe')]);
  });

  test('is empty where there is none yet, and goes on when there is', async () => {
    const path = join(folder, 'log');
    await using reader = new EventLogReader(path);
    expect(await Array.fromAsync(reader.read())).toEqual([]);
    expect(await readTail(path)).toEqual([]);
    await writeFile(path, line(1));
    expect(await Array.fromAsync(reader.read())).toEqual([event(1)]);
  });

  test('passes over what is not an event', async () => {
    const path = join(folder, 'log');
    await writeFile(path, `${line(1)}{"seq":2,"at"\n\n\0\0\0\nnull\n${line(2)}${line(2)}${line(1)}${line(3)}`);
    expect((await readAll(path)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('has a tail that begins with a whole event, however long it is', async () => {
    const path = join(folder, 'log');
    const events = Array.from({ length: 3000 }, (_, index) => line(index + 1, 'ü'.repeat(index % 50)));
    await writeFile(path, events.join(''));
    const tail = await readTail(path);
    expect(tail.at(-1)?.seq).toBe(3000);
    expect(tail.length).toBeGreaterThan(100);
    expect(tail.length).toBeLessThan(3000);
    expect(tail.map(({ seq }) => seq)).toEqual(Array.from(tail, (_, index) => 3000 - tail.length + index + 1));
  });

  test('gives the number of a line that could not be written to the next one', async () => {
    // A device that is always full.
    using full = new EventLogWriter('/dev/full', () => new Date(AT));
    expect(full.append({ type: 'job-started' })).toBe(false);
    expect(full.lastSeq).toBe(0);
    const path = join(folder, 'log');
    using log = new EventLogWriter(path, () => new Date(AT));
    expect([log.append({ type: 'job-started' }), log.append({ type: 'phase-started', phase: 'read' })]).toEqual([
      true,
      true,
    ]);
    log[Symbol.dispose]();
    expect(log.append({ type: 'job-started' }), 'after its end').toBe(false);
    expect((await readAll(path)).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test('keeps its order when the clock is set back', async () => {
    const path = join(folder, 'log');
    const times = [new Date('2030-01-01T00:00:00Z'), new Date('2020-01-01T00:00:00Z')];
    using log = new EventLogWriter(path, () => times.shift() ?? new Date());
    log.append({ type: 'job-started' });
    log.append({ type: 'phase-started', phase: 'read' });
    expect((await readAll(path)).map(({ seq, type }) => `${seq} ${type}`)).toEqual([
      '1 job-started',
      '2 phase-started',
    ]);
  });
});

describe('following', () => {
  /** What a writer does next: bytes that end anywhere, a pause in which readers run, or rubbish between lines. */
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('bytes' as const), count: fc.integer({ min: 1, max: 400 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const), turns: fc.integer({ min: 1, max: 4 }) }) },
  );

  test('misses nothing and says nothing twice, whenever it begins and however the writer writes', {
    timeout: 60_000,
  }, async () => {
    const store = await JobStore.open(join(folder, 'state'));
    const starter = await identifyProcess();
    if (starter === undefined) throw new Error('no process');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 80 }), { maxLength: 30 }),
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.nat({ max: 32 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.constantFrom('', '{"seq":99,"torn', '\n\n', 'rubbish\n'),
        async (paths, steps, starts, endsTorn, rubbish) => {
          const record = aRecord({ request: { kind: 'check', repository: repositoryName('main') }, starter });
          const { id } = record;
          await store.create(record);
          await store.claim(id, starter);
          const file = store.path(id, 'events.ndjson');
          const bytes = Buffer.from(
            paths
              .map((path, index) => (index === 3 && rubbish.endsWith('\n') ? rubbish : '') + line(index + 1, path))
              .join(''),
          );
          const last = { type: 'job-finished', seq: paths.length + 1, at: AT, outcome: 'succeeded' } as const;
          const followers = starts.map((afterSeq) =>
            Array.fromAsync(followEvents(store, id, afterSeq, systemClock, never)),
          );
          let offset = 0;
          for (const next of steps) {
            if (next.do === 'bytes') {
              await appendFile(file, bytes.subarray(offset, offset + next.count));
              offset += next.count;
            } else for (let turn = 0; turn < next.turns; turn += 1) await systemClock.sleep(0, never);
          }
          await appendFile(file, bytes.subarray(offset));
          if (endsTorn && !rubbish.endsWith('\n')) await appendFile(file, rubbish);
          await store.finish(id, last);
          const all = [...paths.map((path, index) => event(index + 1, path)), last];
          for (const [index, afterSeq] of starts.entries()) {
            expect(await followers[index]).toEqual(all.filter(({ seq }) => seq > afterSeq));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
