import { expect, test } from 'vitest';
import { cancelled, never } from '../../../shared/base/cancel.ts';
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import type { TurnTaken } from '../../../shared/domain/turn.ts';
import { inTurn } from '../../../shared/pipeline/backup/turns.ts';

const of = (run: string): TurnTaken => ({ what: 'MariaDB', run, by: 'ada@laptop', heldMs: 5000 });
const SET = { taken: [], held: [] };

/** Time goes by only while somebody sleeps. */
function world(...answers: readonly (TurnTaken | undefined)[]) {
  const told: RunEventBody[] = [];
  const slept: number[] = [];
  let nowMs = 0;
  let at = 0;
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    now: () => new Date(1_800_000_000_000 + nowMs),
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
    },
  };
  const attempt = async () => {
    const busy = answers[Math.min(at, answers.length - 1)];
    at += 1;
    nowMs += 10;
    return busy === undefined ? SET : { busy };
  };
  return { told, slept, clock, attempt, tries: () => at };
}

test('waits, says once whom it waits for, and measures the last attempt alone', async () => {
  const { told, attempt, clock, slept } = world(of('a1'), of('a1'), of('b2'), undefined);
  const ports = { host: 'web1', waitSeconds: 60, clock, emit: (event: RunEventBody) => void told.push(event) };
  const { value, span } = await inTurn(attempt, ports, never);
  expect(value).toBe(SET);
  expect(told).toEqual([
    { type: 'turn-waiting', host: 'web1', ...of('a1') },
    { type: 'turn-waiting', host: 'web1', ...of('b2') },
  ]);
  expect(slept).toEqual([250, 500, 1000]);
  expect(JSON.stringify(span)).not.toBe('{}');
});

test('ends when it was waited for long enough, and says who has it', async () => {
  for (const [waitSeconds, waited] of [
    [10, 'It was waited for, for 10 s.'],
    [undefined, 'It was waited for, for 600 s.'],
  ] as const) {
    const { attempt, clock } = world(of('a1'));
    const running = inTurn(attempt, { host: 'web1', waitSeconds, clock, emit: () => undefined }, never);
    await expect(running).rejects.toMatchObject({
      code: 'host.busy',
      message: expect.stringMatching(
        /^On "web1" MariaDB is held by run a1 of ada@laptop since .* UTC \(5 s\)\. /,
      ) as unknown,
      advice: expect.stringContaining('"waitSeconds"') as unknown,
    });
    await expect(running).rejects.toMatchObject({ message: expect.stringContaining(waited) as unknown });
  }
});

test('does not wait at all where that is wanted', async () => {
  const { attempt, clock, tries } = world(of('a1'));
  const ports = { host: 'web1', waitSeconds: 0, clock, emit: () => undefined };
  await expect(inTurn(attempt, ports, never)).rejects.toMatchObject({ code: 'host.busy' });
  expect(tries()).toBe(1);
});

test('ends at once when the run is cancelled', async () => {
  const { attempt, clock, tries } = world(of('a1'));
  const cancel = new AbortController();
  const ports = { host: 'web1', waitSeconds: 60, clock, emit: () => cancel.abort(cancelled('the backup')) };
  await expect(inTurn(attempt, ports, cancel.signal)).rejects.toMatchObject({ code: 'run.cancelled' });
  expect(tries()).toBe(1);
});
