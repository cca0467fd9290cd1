/** Whatever the times are: the waits grow within their bounds, the tries end, and each failure is told. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { type FailedTry, type RetryTimes, retry, Tries } from '../../../shared/base/retry.ts';
import { TestClock } from '../../support/test-clock.ts';

const TIMES: fc.Arbitrary<RetryTimes> = fc
  .record(
    {
      tries: fc.integer({ min: 1, max: 12 }),
      firstWaitMs: fc.integer({ min: 1, max: 10_000 }),
      budgetMs: fc.integer({ min: 0, max: 600_000 }),
      longestWaitMs: fc.integer({ min: 1, max: 60_000 }),
      growth: fc.double({ min: 1, max: 5, noNaN: true }),
      chance: fc.double({ min: 0, max: 1, noNaN: true }),
    },
    { requiredKeys: ['tries', 'firstWaitMs'] },
  )
  .map((times) => times as RetryTimes);

const BELOW_ONE = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

interface Failing {
  /** How long each try takes. */
  readonly takesMs?: number;
  /** Failures before it works. */
  readonly failures?: number;
  readonly random?: () => number;
}

async function run(times: RetryTimes, { takesMs = 0, failures = Number.POSITIVE_INFINITY, random }: Failing = {}) {
  const clock = new TestClock();
  const begun: number[] = [];
  const told: [error: unknown, failed: FailedTry][] = [];
  const work = async (): Promise<string> => {
    begun.push(clock.ms);
    clock.ms += takesMs;
    if (begun.length > failures) return 'done';
    throw new Error(`failure ${begun.length}`);
  };
  const onFailure = (error: unknown, failed: FailedTry): void => void told.push([error, failed]);
  const ports = { clock, times, onFailure, ...(random && { random }) };
  const outcome = await retry(work, ports, never).catch((error: unknown) => error);
  return { outcome, begun, told, waits: clock.sleeps };
}

describe('a try that fails', () => {
  test('is made again after waits that grow, each within its share of chance', async () => {
    await fc.assert(
      fc.asyncProperty(TIMES, fc.array(BELOW_ONE, { minLength: 12, maxLength: 12 }), async (times, chances) => {
        let asked = 0;
        const { waits } = await run(times, { random: () => chances[asked++] ?? 0 });
        const { firstWaitMs, longestWaitMs = Number.POSITIVE_INFINITY, growth = 2, chance = 0.5 } = times;
        for (const [index, wait] of waits.entries()) {
          const whole = Math.min(longestWaitMs, firstWaitMs * growth ** index);
          expect(wait).toBeLessThanOrEqual(Math.ceil(whole));
          expect(wait).toBeGreaterThanOrEqual(Math.floor(whole * (1 - chance)));
        }
        const { waits: whole } = await run({ ...times, chance: 0 });
        expect(whole).toEqual(whole.toSorted((left, right) => left - right));
      }),
    );
  });

  test('is made no more often than is allowed, and never after the budget', async () => {
    await fc.assert(
      fc.asyncProperty(TIMES, fc.integer({ min: 0, max: 20_000 }), BELOW_ONE, async (times, takesMs, by) => {
        const { begun, told, waits, outcome } = await run(times, { takesMs, random: () => by });
        expect(begun.length).toBeLessThanOrEqual(times.tries);
        expect(waits).toHaveLength(begun.length - 1);
        const firstFailureMs = (begun[0] ?? 0) + takesMs;
        for (const startMs of begun.slice(1)) {
          expect(startMs - firstFailureMs).toBeLessThanOrEqual(times.budgetMs ?? Number.POSITIVE_INFINITY);
        }
        // It does not end before it has to.
        const last = told.at(-1)?.[1];
        expect(begun.length === times.tries || (last?.waitMs ?? 0) > (last?.leftMs ?? 0)).toBe(true);
        // Each failure is told with its number, and the last one is what comes out.
        expect(told.map(([, { tries }]) => tries)).toEqual(begun.map((_, index) => index + 1));
        expect(told.map(([, { isLast }]) => isLast)).toEqual(begun.map((_, index) => index === begun.length - 1));
        expect(outcome).toBe(told.at(-1)?.[0]);
      }),
    );
  });

  test('and works in the end gives its result, after the waits that were needed', async () => {
    const { outcome, told, waits } = await run({ tries: 5, firstWaitMs: 100, chance: 0 }, { failures: 3 });
    expect(outcome).toBe('done');
    expect(waits).toEqual([100, 200, 400]);
    expect(told).toHaveLength(3);
  });

  test('and cannot pass is thrown at once, and not told', async () => {
    const clock = new TestClock();
    const told: unknown[] = [];
    const fault = new Error('no');
    const ports = {
      clock,
      times: { tries: 5, firstWaitMs: 1 },
      mayPass: () => false,
      onFailure: (error: unknown) => void told.push(error),
    };
    await expect(retry(() => Promise.reject(fault), ports, never)).rejects.toBe(fault);
    expect([told, clock.sleeps]).toEqual([[], []]);
  });

  test('is not made again when the signal fires during the wait', async () => {
    const clock = new TestClock();
    const stop = new AbortController();
    clock.onSleep = () => stop.abort(new Error('stop'));
    let tries = 0;
    const work = (): Promise<never> => {
      tries += 1;
      return Promise.reject(new Error('it failed'));
    };
    await expect(retry(work, { clock, times: { tries: 5, firstWaitMs: 10 } }, stop.signal)).rejects.toThrow('stop');
    expect([tries, clock.sleeps.length]).toEqual([1, 1]);
  });
});

describe('in a loop of its own', () => {
  const times: RetryTimes = { tries: 4, firstWaitMs: 100, budgetMs: 1_000, chance: 0 };

  test('the count begins anew when it got on', async () => {
    const clock = new TestClock();
    const tries = new Tries({ clock, times });
    for (const _ of [1, 2, 3]) await tries.waitAfter(new Error('once more'), never);
    tries.renew();
    clock.ms += 10_000;
    for (const _ of [1, 2, 3]) await tries.waitAfter(new Error('once more'), never);
    await expect(tries.waitAfter(new Error('the last'), never)).rejects.toThrow('the last');
    expect(clock.sleeps).toEqual([100, 200, 400, 100, 200, 400]);
  });

  test('time in which nothing moved before the first failure counts, and tighter bounds hold', () => {
    const tries = new Tries({ clock: new TestClock(), times });
    tries.failed(950);
    expect(tries.verdict()).toEqual({ tries: 1, passedMs: 950, leftMs: 50, waitMs: 100, isLast: true });
    expect(tries.verdict({ longestWaitMs: 40 })).toMatchObject({ waitMs: 40, isLast: false });
    expect(tries.verdict({ longestWaitMs: 40, budgetMs: 960 })).toMatchObject({ leftMs: 10, isLast: true });
  });
});
