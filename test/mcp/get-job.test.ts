/** Starting and watching jobs: the job belongs to the runner, and no call and no client can take it down. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { jobId } from '../../shared/domain/names.ts';
import { connectInProcess, ERAS } from '../support/mcp-client.ts';
import { sampleRun } from '../support/sample-data.ts';
import { type ScriptedStillpoint, scriptedStillpoint } from '../support/scripted-stillpoint.ts';

const ID = jobId('3f2a9c51d04e7b68');

interface Answer {
  readonly job: {
    readonly jobId: string;
    readonly state: string;
    readonly finished: boolean;
    readonly percent: number | null;
  };
  readonly events: readonly { readonly seq: number; readonly type: string }[];
  readonly nextEvent: number;
  readonly alreadyRunning?: boolean;
}

/** Waits until the server really follows the job, so that what the test emits next is news. */
async function untilFollowed(stillpoint: ScriptedStillpoint): Promise<void> {
  const until = AbortSignal.timeout(10_000);
  while (stillpoint.followers(ID) === 0) {
    until.throwIfAborted();
    await delay(1);
  }
}

async function untilLeft(stillpoint: ScriptedStillpoint): Promise<void> {
  const until = AbortSignal.timeout(10_000);
  while (stillpoint.followers(ID) > 0) {
    until.throwIfAborted();
    await delay(1);
  }
}

test('starting what runs already gives the running job', async () => {
  await using connected = await connectInProcess(scriptedStillpoint());
  const first = (await connected.call('start_backup', { source: 'shop' })).structuredContent as Answer;
  const second = (await connected.call('start_backup', { source: 'shop' })).structuredContent as Answer;
  expect(first).toMatchObject({ alreadyRunning: false, job: { jobId: ID, state: 'queued', finished: false } });
  expect(second).toMatchObject({ alreadyRunning: true, job: { jobId: ID } });
});

test('without waiting it tells what is stored', async () => {
  const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 9) });
  await using connected = await connectInProcess(stillpoint);
  await connected.call('start_backup', { source: 'shop' });
  const answer = (await connected.call('get_job', { jobId: ID })).structuredContent as Answer;
  expect(answer.events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(answer).toMatchObject({
    nextEvent: 9,
    job: { state: 'running', phase: 'read', percent: 40, finished: false },
  });
  expect(stillpoint.followers(ID)).toBe(0);
});

test('waiting ends with the job, and not with the first thing that happens', async () => {
  const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 8) });
  await using connected = await connectInProcess(stillpoint);
  await connected.call('start_backup', { source: 'shop' });
  let answered = false;
  const waiting = connected.call('get_job', { jobId: ID, waitSeconds: 50, sinceEvent: 8 });
  void waiting.then(() => (answered = true));
  await untilFollowed(stillpoint);
  for (const event of sampleRun.slice(8, -1)) stillpoint.emit(ID, event);
  await delay(50);
  expect(answered).toBe(false);
  stillpoint.emit(ID, sampleRun.at(-1)!);
  const answer = (await waiting).structuredContent as Answer;
  expect(answer.events.at(-1)?.type).toBe('job-finished');
  expect(answer).toMatchObject({ nextEvent: sampleRun.length, job: { finished: true, state: 'succeeded' } });
  await untilLeft(stillpoint);
});

test('waiting ends when the time is over', async () => {
  const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 8) });
  await using connected = await connectInProcess(stillpoint);
  await connected.call('start_backup', { source: 'shop' });
  const answer = (await connected.call('get_job', { jobId: ID, waitSeconds: 0.05, sinceEvent: 8 }))
    .structuredContent as Answer;
  expect(answer).toMatchObject({ events: [], nextEvent: 8, job: { finished: false } });
});

test('a finished job is told at once, with its result', async () => {
  await using connected = await connectInProcess(scriptedStillpoint({ run: sampleRun }));
  await connected.call('start_backup', { source: 'shop' });
  const result = await connected.call('get_job', { jobId: ID, waitSeconds: 25, sinceEvent: 13 });
  expect(result.structuredContent).toMatchObject({
    events: [],
    job: {
      finished: true,
      state: 'succeeded',
      nextPollSeconds: 0,
      result: { kind: 'backup', consistency: 'crash', freezeMs: 41 },
    },
  });
});

test('long logs come in pieces that join', async () => {
  const skipped = Array.from(
    { length: 120 },
    (_, index): RunEventBody => ({
      type: 'item-skipped',
      path: `/srv/${index}`,
      reason: 'Permission denied.',
    }),
  );
  await using connected = await connectInProcess(scriptedStillpoint({ run: skipped }));
  await connected.call('start_backup', { source: 'shop' });
  const seen: number[] = [];
  for (let since = 0; since < 120; ) {
    const answer = (await connected.call('get_job', { jobId: ID, sinceEvent: since })).structuredContent as Answer;
    expect(answer.events.length).toBeGreaterThan(0);
    seen.push(...answer.events.map((event) => event.seq));
    since = answer.nextEvent;
  }
  expect(seen).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
});

test('waiting longer than 50 s is refused', async () => {
  await using connected = await connectInProcess(scriptedStillpoint());
  const result = await connected.call('get_job', { jobId: ID, waitSeconds: 51 });
  expect(result._meta?.['stillpoint/error']).toMatchObject({ code: 'usage.invalid' });
});

test('an unknown job is an error with a code', async () => {
  await using connected = await connectInProcess(scriptedStillpoint());
  const result = await connected.call('get_job', { jobId: '0000000000000000' });
  expect(result._meta?.['stillpoint/error']).toMatchObject({ code: 'job.not-found' });
});

test.each(ERAS)('giving up on get_job stops the waiting and not the job (%s era)', async (era) => {
  const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 8) });
  await using connected = await connectInProcess(stillpoint, { era });
  await connected.call('start_backup', { source: 'shop' });
  const givingUp = new AbortController();
  const waiting = connected.client.callTool(
    { name: 'get_job', arguments: { jobId: ID, waitSeconds: 3, sinceEvent: 8 } },
    { signal: givingUp.signal },
  );
  const ended = waiting.then(
    () => 'answered',
    () => 'given up',
  );
  await untilFollowed(stillpoint);
  givingUp.abort();
  expect(await ended).toBe('given up');
  await untilLeft(stillpoint);
  expect(stillpoint.calls.filter((call) => call.startsWith('cancelJob'))).toEqual([]);
  stillpoint.emit(ID, ...sampleRun.slice(8));
  const answer = (await connected.call('get_job', { jobId: ID })).structuredContent as Answer;
  expect(answer.job).toMatchObject({ state: 'succeeded', finished: true });
});

test.each(ERAS)('progress is told to a client that asked, rising, in our own words (%s era)', async (era) => {
  const stillpoint = scriptedStillpoint({ run: sampleRun.slice(0, 8) });
  await using connected = await connectInProcess(stillpoint, { era });
  await connected.call('start_backup', { source: 'shop' });
  const told: unknown[] = [];
  const waiting = connected.client.callTool(
    { name: 'get_job', arguments: { jobId: ID, waitSeconds: 25, sinceEvent: 8 } },
    { onprogress: (progress) => void told.push(progress) },
  );
  await untilFollowed(stillpoint);
  stillpoint.emit(ID, sampleRun[8]!, sampleRun[8]!);
  stillpoint.emit(ID, sampleRun[9]!);
  await waiting;
  // The second is within the same second and therefore not reported
  expect(told).toEqual([{ progress: 9, message: 'read: 32 MiB of 80 MiB' }]);
});
