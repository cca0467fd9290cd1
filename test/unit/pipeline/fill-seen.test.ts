/** What is said of what the guard sees while a lease is held. */
import { expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { HeldHost } from '../../../shared/pipeline/backup/hold-host.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { TakenSnapshot } from '../../../shared/snapshot/provider.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { noRuns } from '../../support/pipeline/no-runs.ts';

const GIB = 1024 ** 3;
const terms = { run: runId('0123abcd'), owner: ownerId('00112233aabb'), leaseSeconds: 60, mounts: 1, holds: 0 };
const taken = (id: string, mostBytes?: number): TakenSnapshot =>
  ({ id, mostBytes, planned: { volume: `vg0/${id}`, snapshot: `sp_${id}`, sizeBytes: 0 } }) as never;

/** One look every half a minute. @param seen the records of the look with this number */
async function forecasts(
  snapshots: readonly TakenSnapshot[],
  seen: (look: number) => string,
  readingLeftMs?: () => number,
): Promise<readonly RunEventBody[]> {
  let looks = 0;
  const told: RunEventBody[] = [];
  const answers: Readonly<Record<string, () => string>> = {
    'arm-lease': () => 'boot\x004711\0',
    'renew-lease': () => {
      looks += 1;
      return `alive\0uptime ${1000 + looks * 30}.5\0${seen(looks)}`;
    },
    'release-lease': () => '',
  };
  const host: RemoteHost = {
    name: 'db1',
    run: (command) =>
      Promise.resolve(command.parse({ stdout: Buffer.from(answers[command.name]?.() ?? ''), stderr: '', exitCode: 0 })),
    stream: () => Promise.reject(new Error('nobody streams here')),
    async [Symbol.asyncDispose]() {},
  };
  // Nothing is renewed by itself here.
  const clock = { ...systemClock, sleep: (_: number, signal: AbortSignal) => untilAborted(signal) };
  const ports = {
    ...{ host, scripts: REGISTRY.scripts, runs: noRuns(), clock, logger: silentLogger },
    emit: (event: RunEventBody) => void told.push(event),
    ...(readingLeftMs === undefined ? {} : { readingLeftMs }),
  };
  const hold = await HeldHost.acquire(terms, ports, never);
  hold.take(snapshots);
  for (let look = 0; look < 12; look += 1) await hold.lease.renew(never);
  await hold.release();
  return told.filter(({ type }) => type === 'fill-forecast');
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

const filling = (look: number): number => look * 16 * 1024 ** 2;

test('a snapshot with room of its own, by how large it may grow', async () => {
  const peak = (look: number) => `peak a ${filling(look)} ${GIB / 4}\0`;
  const [said] = await forecasts([taken('a', GIB)], peak);
  expect(said).toMatchObject({ host: 'db1', volume: 'vg0/a', snapshot: 'sp_a', mostBytes: GIB, shares: undefined });
  // Nothing is known of how large it may grow: it cannot be full.
  expect(await forecasts([taken('a')], peak)).toEqual([]);
  // It will have been read.
  expect(await forecasts([taken('a', GIB)], peak, () => 60_000)).toEqual([]);
  // None of ours.
  expect(await forecasts([taken('b', GIB)], peak)).toEqual([]);
});

test('what two snapshots share with their origins, once', async () => {
  const share = (look: number) =>
    ['a', 'b'].map((id) => `share ${id} vg0/pool data ${GIB + filling(look)} ${2 * GIB}\0`).join('');
  const said = await forecasts([taken('a'), taken('b')], share);
  expect(said).toMatchObject([{ volume: 'vg0/a', mostBytes: 2 * GIB, shares: { where: 'vg0/pool', what: 'data' } }]);
});
