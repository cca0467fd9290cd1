import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import {
  createThrottle,
  TokenBucket,
  withBandwidth,
  withConnections,
} from '../../../shared/repository/backend/limit.ts';
import { FaultPlan, withFaults } from '../../support/fault-plan.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { TestClock } from '../../support/test-clock.ts';

const KIB = 1024;
const file = (n: number) => ({ type: 'data', name: `${n}`.padStart(64, '0') }) as const;

describe('a token bucket', () => {
  it('lets a second of bytes through at once and then holds the rate', async () => {
    const clock = new TestClock();
    const start = clock.ms;
    const bucket = new TokenBucket(100, clock);
    for (let n = 0; n < 50; n += 1) await bucket.pass(20 * KIB, never);
    // 1000 KiB at 100 KiB/s, of which one second's worth was there and the last piece is owed.
    const seconds = (clock.ms - start) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(8.5);
    expect(seconds).toBeLessThanOrEqual(9);
  });

  it('never lets more through than rate and burst allow', () => {
    const steps = fc.array(fc.record({ bytes: fc.nat(200_000), idleMs: fc.nat(3000) }), { maxLength: 60 });
    return fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const clock = new TestClock();
        const start = clock.ms;
        const bucket = new TokenBucket(50, clock);
        let passed = 0;
        for (const { bytes, idleMs } of all) {
          clock.ms += idleMs;
          await bucket.pass(bytes, never);
          // What had passed before this piece was within the limit when the piece began.
          expect(passed).toBeLessThanOrEqual(50 * KIB * (1 + (clock.ms - start) / 1000) + 1);
          passed += bytes;
        }
      }),
    );
  });

  it('gives back what was not sent because of a signal', async () => {
    const clock = new TestClock();
    const bucket = new TokenBucket(1, clock);
    await bucket.pass(3 * KIB, never);
    const stop = new AbortController();
    clock.onSleep = () => stop.abort(new Error('stop'));
    await expect(bucket.pass(1000 * KIB, stop.signal)).rejects.toThrow('stop');
    clock.onSleep = () => undefined;
    clock.sleeps.length = 0;
    await bucket.pass(1, never);
    expect(clock.sleeps).toEqual([]);
  });

  it('needs a rate', () => {
    expect(() => new TokenBucket(0, new TestClock())).toThrow(RangeError);
  });
});

describe('a limited backend', () => {
  it('waits for what went up and for what came down, each by itself', async () => {
    const clock = new TestClock();
    const backend = withBandwidth(
      createMemoryBackend(),
      createThrottle({ uploadKiBps: 10, downloadKiBps: 100 }, clock),
    );
    for (let n = 0; n < 4; n += 1) await backend.save(file(n), [Buffer.alloc(30 * KIB)], never);
    expect(clock.sleeps).toEqual([2000, 3000, 3000]);
    clock.sleeps.length = 0;
    for (let n = 0; n < 4; n += 1) await backend.load(file(n), undefined, never);
    expect(clock.sleeps).toEqual([]);
    for (let n = 0; n < 4; n += 1) await backend.load(file(n), { offset: 0, length: 30 * KIB }, never);
    expect(clock.sleeps.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(1000);
  });

  it('does not limit what is not asked for', () => {
    expect(createThrottle({}, new TestClock())).toEqual({ up: undefined, down: undefined });
  });

  it('makes no more calls at once than it has connections', async () => {
    const plan = new FaultPlan().add({ on: 'save', times: Infinity, slowMs: 5 });
    const inner = withFaults(createMemoryBackend(), plan);
    let running = 0;
    let most = 0;
    const watched = {
      ...inner,
      async save(...args: Parameters<typeof inner.save>) {
        most = Math.max(most, ++running);
        await inner.save(...args);
        running -= 1;
      },
    };
    const backend = withConnections(watched, 3);
    expect(backend.properties.connections).toBe(3);
    await Promise.all(Array.from({ length: 20 }, (_, n) => backend.save(file(n), [Buffer.from([n])], never)));
    expect([most, plan.fired()]).toEqual([3, 20]);
  });

  it('lets locks past what fills every connection', async () => {
    const plan = new FaultPlan().add({ on: 'save', where: ({ type }) => type === 'data', slowMs: 60_000 });
    const backend = withConnections(withFaults(createMemoryBackend(), plan), 1);
    const stop = new AbortController();
    const stuck = backend.save(file(1), [Buffer.from('x')], stop.signal);
    const lock = { type: 'locks', name: 'ab'.repeat(32) } as const;
    await backend.save(lock, [Buffer.from('lock')], never);
    expect((await Array.fromAsync(backend.list('locks', never))).length).toBe(1);
    await backend.remove(lock, never);
    expect(plan.fired()).toBe(1);
    stop.abort(new Error('stop'));
    await expect(stuck).rejects.toThrow('stop');
  });
});
