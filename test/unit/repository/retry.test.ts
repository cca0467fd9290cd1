import { describe, expect, it } from 'vitest';
import { StillpointError } from '../../../shared/base/errors.ts';
import { createLogger, type LogFields, silentLogger } from '../../../shared/base/log.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import type { RetryPolicy } from '../../../shared/repository/backend/patience.ts';
import { withRetries } from '../../../shared/repository/backend/retry.ts';
import { type Fault, FaultPlan, passing, withFaults } from '../../support/fault-plan.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { TestClock } from '../../support/test-clock.ts';

const signal = AbortSignal.timeout(15 * 60_000);
const FILE = { type: 'data', name: 'ab'.repeat(32) } as const;
const POLICY: RetryPolicy = { tries: 6, budgetMs: 60_000, refusedMs: 20_000, firstWaitMs: 100, longestWaitMs: 500 };

function retrying(fault: Fault, more: { policy?: Partial<RetryPolicy>; random?: () => number } = {}) {
  const clock = new TestClock();
  const plan = new FaultPlan().add(fault);
  const lines: [string, LogFields][] = [];
  const logger = createLogger(({ message, fields }) => lines.push([message, fields]));
  const random = more.random ?? (() => 1);
  const inner = createMemoryBackend();
  const backend: Backend = withRetries(withFaults(inner, plan), {
    clock,
    logger,
    random,
    policy: { ...POLICY, ...more.policy },
  });
  return { backend, inner, clock, plan, lines };
}

describe('trying again', () => {
  it('waits twice as long each time, up to a limit', async () => {
    const { backend, clock } = retrying({ on: 'save', times: 5, error: passing() });
    await backend.save(FILE, [], signal);
    expect(clock.sleeps).toEqual([100, 200, 400, 500, 500]);
  });

  it('waits at least half of that, by chance', async () => {
    const { backend, clock } = retrying({ on: 'save', times: 3, error: passing() }, { random: () => 0 });
    await backend.save(FILE, [], signal);
    expect(clock.sleeps).toEqual([50, 100, 200]);
  });

  it('ends after so many tries, with the last error', async () => {
    const { backend, plan, lines } = retrying({ on: 'stat', times: Infinity, error: passing() });
    await expect(backend.stat(FILE, signal)).rejects.toMatchObject({ code: 'backend.failed' });
    expect(plan.fired()).toBe(6);
    expect(lines.map(([message]) => message.includes('last time'))).toEqual([false, false, false, false, false, true]);
  });

  it('ends when the time is over', async () => {
    const { backend, clock } = retrying(
      { on: 'stat', times: Infinity, error: passing() },
      { policy: { budgetMs: 1000, tries: 100 } },
    );
    await expect(backend.stat(FILE, signal)).rejects.toMatchObject({ code: 'backend.failed' });
    expect(clock.sleeps).toEqual([100, 200, 400]);
  });

  it.each(['backend.no-space', 'backend.denied', 'ssh.auth-failed', 'repository.damaged'] as const)(
    'does not repeat %s',
    async (code) => {
      const error = new StillpointError(code, 'no', { advice: '', cause: undefined });
      const { backend, plan, clock } = retrying({ on: 'save', times: Infinity, error });
      await expect(backend.save(FILE, [], signal)).rejects.toBe(error);
      expect([plan.fired(), clock.sleeps]).toEqual([1, []]);
    },
  );

  it('does not repeat a fault of the program', async () => {
    const fault = new TypeError('undefined is not a function');
    const backend = withRetries(
      {
        ...createMemoryBackend(),
        properties: { location: 'x', connections: 1, hasAtomicSave: true },
        save: () => Promise.reject(fault),
      },
      { clock: new TestClock(), logger: silentLogger, policy: POLICY },
    );
    await expect(backend.save(FILE, [], signal)).rejects.toBe(fault);
  });

  it('ends a wait at once when the signal fires', async () => {
    const { backend, clock, plan } = retrying({ on: 'load', times: Infinity, error: passing() });
    const stop = new AbortController();
    clock.onSleep = () => stop.abort(new Error('stop'));
    await expect(backend.load(FILE, undefined, stop.signal)).rejects.toThrow('stop');
    expect(plan.fired()).toBe(1);
  });

  it('does not call a missing file removed unless it tried before', async () => {
    const first = retrying({ on: 'remove', times: 0, error: passing() });
    await expect(first.backend.remove(FILE, signal)).rejects.toMatchObject({ code: 'backend.not-found' });
    const second = retrying({ on: 'remove', error: passing(), late: true });
    await second.inner.save(FILE, [], signal);
    await second.backend.remove(FILE, signal);
    expect(second.plan.fired()).toBe(1);
  });

  it('tells of each failure that is not the last word', async () => {
    const told: string[] = [];
    const plan = new FaultPlan().add({ on: 'stat', times: Infinity, error: passing() });
    const backend = withRetries(withFaults(createMemoryBackend(), plan), {
      clock: new TestClock(),
      logger: silentLogger,
      policy: POLICY,
      onTrouble: ({ error }) => told.push(error.code),
    });
    await expect(backend.stat(FILE, signal)).rejects.toMatchObject({ code: 'backend.failed' });
    expect(told).toEqual(Array.from({ length: POLICY.tries - 1 }, () => 'backend.failed'));
  });

  it('logs each wait with the file and the reason', async () => {
    const { backend, lines } = retrying({ on: 'save', error: passing() });
    await backend.save(FILE, [], signal);
    expect(lines).toEqual([
      [
        expect.stringContaining('made again'),
        {
          call: 'save',
          file: 'pack abababab',
          code: 'backend.failed',
          error: 'The test broke the call.',
          tries: 1,
          waitMs: 100,
        },
      ],
    ]);
  });

  it('counts anew in a listing that got on', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `${n}`);
    let listings = 0;
    const breaksLater: Backend = {
      ...withFaults(createMemoryBackend(), new FaultPlan()),
      async *list() {
        listings += 1;
        for (const name of names.slice(0, listings)) yield { name, sizeBytes: 1 };
        if (listings < names.length) throw passing();
      },
    };
    const backend = withRetries(breaksLater, {
      clock: new TestClock(),
      logger: silentLogger,
      policy: { ...POLICY, tries: 2 },
    });
    const found = await Array.fromAsync(backend.list('locks', signal));
    expect(found.map(({ name }) => name)).toEqual(names);
    expect(listings).toBe(20);
  });

  it('gives a listing up that does not get on', async () => {
    const { backend, inner, plan } = retrying({ on: 'list', times: 20, error: passing(), late: true });
    for (let n = 0; n < 3; n += 1) await inner.save({ type: 'locks', name: `${n}` }, [], signal);
    await expect(Array.fromAsync(backend.list('locks', signal))).rejects.toMatchObject({ code: 'backend.failed' });
    expect(plan.fired()).toBe(6);
  });
});
