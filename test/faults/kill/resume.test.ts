/**
 * A runner that is killed while it reads a snapshot, and the next one that goes on with its run: on the same snapshot, without
 * what had arrived being sent again; and what becomes of a run that cannot be gone on with.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { resumingRequest } from '../../../shared/domain/resume.ts';
import { needing } from '../../support/needing.ts';
import { whyNoBtrfsHost } from '../../support/snapshot/btrfs-host.ts';
import { type CutLine, startCutLine } from './cut-line-host.ts';
import { BACKUP, heard, type KilledRunners, startKilledRunners } from './killed-runners.ts';

const never = new AbortController().signal;

describe('a runner that is killed while it reads', needing(await whyNoBtrfsHost()), () => {
  let line: CutLine;
  let runners: KilledRunners;

  beforeAll(async () => {
    line = await startCutLine();
  }, 300_000);
  afterAll(() => line?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    runners = await startKilledRunners(line);
  });
  afterEach(async () => {
    await runners[Symbol.asyncDispose]();
    const still = await runners.left();
    if (still !== '') throw new Error(`The host is not as it was: ${still}`);
  });

  async function expectAllIsThere(): Promise<void> {
    const { saved, real } = await runners.comparison();
    expect(saved).toEqual(real);
  }

  /** What is lost with a process: the pack that it had open, and what is on its way. */
  const OPEN_BYTES = 18_000_000;

  test('is gone on with by the next backup of the source, and what had been stored is not sent twice', async () => {
    const before = line.proxy.bytesPassed();
    await runners.killedWithPack(24_000_000);
    const sent = line.proxy.bytesPassed() - before;
    expect(await runners.left()).not.toBe('');
    const next = await runners.run(BACKUP);
    expect(next.job).toMatchObject({ state: 'succeeded' });
    expect(heard(next)).toContain('run-taken-up');
    const taken = next.events.find((event) => event.type === 'run-taken-up');
    expect(taken?.of).toBe(next.report?.time);
    // No snapshot was made by it, and nothing was swept.
    for (const event of next.events) if (event.type === 'host-swept') expect(event.removed).toEqual([]);
    await expectAllIsThere();
    const { bytesReceived = 0 } = next.report ?? {};
    await runners.emptyRepository();
    const whole = (await runners.run(BACKUP)).report?.bytesReceived ?? 0;
    console.log(`${whole} bytes at once; ${sent} before the kill and ${bytesReceived} after it`);
    expect(sent + bytesReceived - whole).toBeLessThan(OPEN_BYTES);
  }, 300_000);

  test('is gone on with again and again, by its id', async () => {
    const first = await runners.killedAt(8_000_000);
    const second = await runners.killedAt(20_000_000, resumingRequest(await runners.stillpoint.findJob(first)));
    const third = await runners.run(resumingRequest(await runners.stillpoint.findJob(second)));
    expect(third.job).toMatchObject({ state: 'succeeded', error: undefined });
    expect(heard(third)).toContain('run-taken-up');
    await expectAllIsThere();
    const again = await runners.run({ ...BACKUP, resume: first });
    expect(again.job).toMatchObject({ state: 'failed', error: { code: 'job.cannot-resume' } });
    expect(again.job.error?.message).toContain(second);
  }, 300_000);

  test('is over where the host has let go of its snapshots: said in a sentence, or begun anew', async () => {
    const letGo = () => line.world.sh('for each in /run/stillpoint/*/expires; do echo 1 > "$each"; done');
    const asked = await runners.killedAt(8_000_000);
    await letGo();
    const resumed = await runners.run(resumingRequest(await runners.stillpoint.findJob(asked)));
    expect(resumed.job).toMatchObject({ state: 'failed', error: { code: 'job.cannot-resume' } });
    expect(resumed.job.error?.message).toMatch(/^The run \w+ on "cut" is over: The lease on "cut" ended/);
    expect(await runners.left()).toBe('');

    await runners.killedAt(8_000_000);
    await letGo();
    const anew = await runners.run(BACKUP);
    expect(anew.job).toMatchObject({ state: 'succeeded' });
    expect(heard(anew)).not.toContain('run-taken-up');
    await expectAllIsThere();
  }, 300_000);

  test('is over where its snapshots are not what they were', async () => {
    const killed = await runners.killedAt(8_000_000);
    await line.world.atTop('for each in .stillpoint/*/sp_*; do btrfs property set -f "$each" ro false; done');
    const resumed = await runners.run(resumingRequest(await runners.stillpoint.findJob(killed)));
    expect(resumed.job).toMatchObject({ state: 'failed', error: { code: 'job.cannot-resume' } });
    expect(heard(resumed)).not.toContain('run-taken-up');
    // It is not ours any more, so it stays.
    await line.world.atTop('btrfs -q subvolume delete .stillpoint/*/sp_*; rmdir .stillpoint/* .stillpoint');
  }, 300_000);

  test('is not gone on with once what was read is about to count', async () => {
    const { job } = await runners.stillpoint.startJob(BACKUP, never);
    for await (const event of runners.stillpoint.followJob(job.id, 0, never))
      if (event.type === 'phase-started' && event.phase === 'commit') break;
    await runners.kill(job.id);
    const next = await runners.run(BACKUP);
    expect(next.job).toMatchObject({ state: 'succeeded', error: undefined });
    expect(heard(next)).not.toContain('run-taken-up');
    await expectAllIsThere();
  }, 300_000);

  test('is left alone by other sources, and by a source that says something else now; a sweep takes it along', async () => {
    const killed = await runners.killedAt(8_000_000);
    const held = await runners.left();
    await runners.configure({ exclude: ['nothing'] });
    await using other = await runners.another();
    const { job } = await other.startJob(BACKUP, never);
    for await (const event of other.followJob(job.id, 0, never)) expect(event.type).not.toBe('run-taken-up');
    expect(await runners.left()).toBe(held);
    const resumed = await runners.run({ ...BACKUP, resume: killed });
    expect(resumed.job.error).toMatchObject({ code: 'job.cannot-resume' });
    expect(await runners.left()).toBe('');
  }, 300_000);

  test('is gone on with when the host could not be reached at first', async () => {
    await runners.killedAt(8_000_000);
    line.proxy.refuse();
    expect((await runners.run(BACKUP)).job).toMatchObject({ state: 'failed' });
    line.proxy.resume();
    const next = await runners.run(BACKUP);
    expect(next.job).toMatchObject({ state: 'succeeded', error: undefined });
    expect(heard(next)).toContain('run-taken-up');
    await expectAllIsThere();
  }, 300_000);
});
