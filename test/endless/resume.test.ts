/**
 * Gigabytes over a line, by runners that are stopped and killed: what is sent again is what had arrived and was not in the store
 * yet, which does not grow with the source, so of a large one it is next to nothing.
 */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CutLine, startCutLine } from '../faults/kill/cut-line-host.ts';
import { BACKUP, heard, type KilledRunners, startKilledRunners } from '../faults/kill/killed-runners.ts';
import { needing } from '../support/needing.ts';
import { whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';

const MB = 1_000_000;
const FILES = `head -c ${1500 * MB} /dev/urandom > @files/first
mkdir @files/many; i=0; while [ $i -lt 4000 ]; do head -c 100000 /dev/urandom > @files/many/$i; i=$((i + 1)); done
head -c ${1500 * MB} /dev/urandom > @files/second`;
const TOTAL_BYTES = 3400 * MB;
/** Of the line, in bytes a second: so slow that what is on its way is what it would be on a real one. */
const RATE = 60 * MB;

describe('a source of gigabytes', needing(await whyNoBtrfsHost()), () => {
  let line: CutLine;
  let runners: KilledRunners;
  /** What crosses the line when nothing goes wrong. */
  let whole = 0;

  /** What crossed the line in the meantime beyond that, as a share of it. */
  async function sentTwice(inMeantime: () => Promise<void>): Promise<number> {
    const before = line.proxy.bytesPassed();
    await inMeantime();
    return (line.proxy.bytesPassed() - before - whole) / whole;
  }
  async function expectAllIsThere(): Promise<void> {
    const { saved, real } = await runners.comparison();
    expect(saved).toEqual(real);
  }

  beforeAll(async () => {
    line = await startCutLine(FILES, { megabytes: 5000 });
    runners = await startKilledRunners(line);
    const before = line.proxy.bytesPassed();
    const { job } = await runners.run(BACKUP);
    whole = line.proxy.bytesPassed() - before;
    if (job.state !== 'succeeded' || whole < TOTAL_BYTES) throw new Error(`${job.state}, ${whole} bytes`);
  });
  afterAll(async () => {
    await runners?.[Symbol.asyncDispose]();
    await line?.[Symbol.asyncDispose]();
  });

  test('is gone on with after a kill, with under a hundredth sent twice', async () => {
    await runners.emptyRepository();
    const share = await sentTwice(async () => {
      await runners.killedAt(2100 * MB, BACKUP, RATE);
      const next = await runners.run(BACKUP);
      expect(next.job).toMatchObject({ state: 'succeeded' });
      expect(heard(next)).toContain('run-taken-up');
    });
    console.log(`Sent twice after a kill: ${(share * 100).toFixed(2)} % of ${whole} bytes`);
    expect(share).toBeLessThan(0.01);
    await expectAllIsThere();
    expect(await runners.left()).toBe('');
  });

  test('is the same run where its runner slept for less than the lease, with under a hundredth sent twice', async () => {
    await runners.emptyRepository();
    line.proxy.limit(RATE);
    const share = await sentTwice(async () => {
      const { job } = await runners.stillpoint.startJob(BACKUP, new AbortController().signal);
      for await (const event of runners.stillpoint.followJob(job.id, 0, new AbortController().signal)) {
        if (event.type !== 'progress' || event.phase !== 'read' || event.bytesDone < 1000 * MB) continue;
        const pid = await runners.pidOf(job.id);
        process.kill(pid, 'SIGSTOP');
        await setTimeout(60_000);
        process.kill(pid, 'SIGCONT');
        break;
      }
      await expect
        .poll(async () => (await runners.stillpoint.findJob(job.id)).state, { timeout: 300_000 })
        .toBe('succeeded');
    });
    console.log(`Sent twice after a sleep: ${(share * 100).toFixed(2)} % of ${whole} bytes`);
    expect(share).toBeLessThan(0.01);
    await expectAllIsThere();
    expect(await runners.left()).toBe('');
  });
});
