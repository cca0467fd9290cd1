/** The lease on our side: what it does when the host does not do what it should. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { acquireLease, type Lease } from '../../../shared/snapshot/host/lease.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';

const terms = { run: runId('0123abcd'), owner: ownerId('00112233aabb'), leaseSeconds: 60, mounts: 1, holds: 0 };

/** Answers by the command's name; a function is called each time. */
type Answers = Readonly<Record<string, string | (() => string)>>;

function paperHost(answers: Answers, calls: string[]): RemoteHost {
  return {
    name: 'db1',
    async run(command, signal) {
      signal.throwIfAborted();
      calls.push(command.name);
      const answer = answers[command.name];
      if (answer === undefined) throw new Error(`nobody expected ${command.name}`);
      const text = typeof answer === 'string' ? answer : answer();
      return command.parse({ stdout: Buffer.from(text), stderr: '', exitCode: 0 });
    },
    stream: () => Promise.reject(new Error('nobody streams here')),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const failed = (exitCode: number): StillpointError =>
  new StillpointError('remote.command-failed', 'it failed', { advice: '', details: { exitCode }, cause: undefined });

/** Sleeps as often as it is told to, without time going by; then until the end. */
const clockOf = (naps: number): Clock => ({
  ...systemClock,
  sleep: (_ms, signal) => {
    naps -= 1;
    if (naps >= 0) return Promise.resolve();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  },
});

interface Acquired {
  readonly lease: Lease;
  readonly calls: string[];
  readonly failures: unknown[];
}

const GOOD: Answers = { 'arm-lease': 'boot\x004711\0', 'renew-lease': 'alive\0', 'release-lease': 'removed vg0/sp\n' };

async function acquire(answers: Answers, naps = 0): Promise<Acquired> {
  const [calls, failures]: [string[], unknown[]] = [[], []];
  const lease = await acquireLease(
    terms,
    {
      host: paperHost({ ...GOOD, ...answers }, calls),
      scripts: REGISTRY.scripts,
      clock: clockOf(naps),
      logger: silentLogger,
      onReleaseFailed: (error) => failures.push(error),
    },
    never,
  );
  return { lease, calls, failures };
}

const aborted = (signal: AbortSignal): Promise<StillpointError> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason as StillpointError);
    signal.addEventListener('abort', () => resolve(signal.reason as StillpointError));
  });

describe('a lease', () => {
  test('is renewed by itself, and released once', async () => {
    const { lease, calls } = await acquire({}, 3);
    await lease.renew(never);
    expect(lease.armed).toEqual({ bootId: 'boot', keeperPid: 4711 });
    const [first, second] = await Promise.all([lease.release(), lease.release()]);
    await lease[Symbol.asyncDispose]();
    expect(first).toBe(second);
    expect(calls.filter((name) => name === 'release-lease')).toHaveLength(1);
    expect(calls.filter((name) => name === 'renew-lease').length).toBeGreaterThanOrEqual(2);
  });

  test.each<[string, string, string]>([
    ['gone\0', 'snapshot.lease-lost', 'ended before'],
    ['unwatched\0', 'snapshot.lease-lost', 'watchman'],
    ['alive\0peak sp 7 8\0full sp\0', 'snapshot.full', 'filled up'],
    [
      'alive\0threat a/sp a/pool data 996147200 1073741824\0gone a/sp\0',
      ...(['snapshot.given-up', 'the data of "a/pool" was 92 % full (950 MiB of 1.0 GiB)'] as const),
    ],
    ['gone\0threat a/sp a/pool read-only 0 0\0', 'snapshot.given-up', '"a/pool" was in the state "read-only"'],
  ])('that answers %j aborts the reading with %s', async (answer, code, words) => {
    const { lease } = await acquire({ 'renew-lease': answer }, 1);
    expect(await aborted(lease.signal)).toMatchObject({ code, message: expect.stringContaining(words) as unknown });
    await expect(lease.renew(never)).rejects.toMatchObject({ code });
    await lease.release();
  });

  test('survives a renewal that did not come through', async () => {
    let first = true;
    const renew = (): string => {
      if (!first) return 'alive\0peak sp 3 8\0';
      first = false;
      throw new Error('the line was cut');
    };
    const { lease, failures } = await acquire({ 'renew-lease': renew }, 2);
    await lease.renew(never).catch(() => undefined);
    await lease.renew(never);
    expect(lease.signal.aborted).toBe(false);
    expect(lease.peaks.get('sp')).toEqual({ snapshot: 'sp', usedBytes: 3, totalBytes: 8 });
    await lease[Symbol.asyncDispose]();
    expect(failures).toEqual([]);
  });

  test('has one renewal at a time, and tries again soon after one that failed', async () => {
    const naps: number[] = [];
    let [running, most, failures] = [0, 0, 2];
    const host = paperHost(GOOD, []);
    const slow: RemoteHost = {
      ...host,
      async run(command, signal) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        if (command.name === 'renew-lease' && failures-- > 0) throw new Error('the line was cut');
        return await host.run(command, signal);
      },
    };
    const clock: Clock = {
      ...systemClock,
      sleep: (ms, signal) => {
        naps.push(ms);
        if (naps.length < 6) return Promise.resolve();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      },
    };
    const ports = {
      ...{ host: slow, scripts: REGISTRY.scripts, clock },
      ...{ logger: silentLogger, onReleaseFailed: () => undefined },
    };
    const lease = await acquireLease(terms, ports, never);
    await Promise.all([1, 2, 3].map(() => lease.renew(never).catch(() => undefined)));
    while (naps.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    await lease.release();
    expect(most).toBe(1);
    expect(naps[0]).toBe(15_000);
    expect(naps.at(-1)).toBe(15_000);
    expect(naps.filter((ms) => ms === 5000).length).toBeLessThanOrEqual(2);
  });

  test('that could not be released is told, and disposing throws nothing', async () => {
    const lost = await acquire({
      'release-lease': () => {
        throw new Error('no way to the host');
      },
    });
    await lost.lease[Symbol.asyncDispose]();
    expect(lost.failures).toEqual([expect.objectContaining({ message: 'no way to the host' })]);
    const busy = await acquire({ 'release-lease': 'removed vg0/a\nbusy vg0/b\n' });
    await busy.lease[Symbol.asyncDispose]();
    expect(busy.failures).toEqual([
      expect.objectContaining({
        code: 'snapshot.busy',
        message: expect.stringContaining('"vg0/b" (it is in use)') as unknown,
      }),
    ]);
  });

  test.each([
    [71, 'host.read-only-runtime'],
    [72, 'snapshot.create-failed'],
  ])('that could not be armed (%d) takes back what half-stands and says %s', async (exitCode, code) => {
    const calls: string[] = [];
    const answers = {
      ...GOOD,
      'arm-lease': () => {
        throw failed(exitCode);
      },
    };
    const ports = {
      host: paperHost(answers, calls),
      scripts: REGISTRY.scripts,
      clock: clockOf(0),
      logger: silentLogger,
      onReleaseFailed: () => undefined,
    };
    await expect(acquireLease(terms, ports, never)).rejects.toMatchObject({ code });
    expect(calls).toEqual(['arm-lease', 'release-lease']);
  });
});
