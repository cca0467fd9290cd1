/**
 * What every hook must do where two clients want the same application at the same time: each in its turn, and nobody waits for
 * one that is gone. A part of the hook contract.
 */
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { judgeConsistency } from '../../shared/domain/consistency.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { hostName, newRunId, ownerId, type RunId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import { evidenceOf } from '../../shared/pipeline/backup/snapshot-report.ts';
import { inTurn } from '../../shared/pipeline/backup/turns.ts';
import type { Hook, PlannedHold } from '../../shared/quiesce/hook.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { acquireLease, type Lease } from '../../shared/snapshot/host/lease.ts';
import { createRegistry, type Registry } from '../../shared/snapshot/registry.ts';
import { endSet, planSnapshots, type SnapshotPlan, type TakenSet, trySet } from '../../shared/snapshot/snapshot-set.ts';
import { surveyHost } from '../../shared/snapshot/survey.ts';
import { folderCopy } from '../support/snapshot/folder-copy.ts';

const owners = [ownerId('00112233aabb'), ownerId('ccddeeff0011')] as const;
/** What two have at once is a folder that the second one cannot make. */
const ALONE = 'mkdir /run/both && sleep 0.1; rmdir /run/both || exit 97';
const ROUNDS = process.env['STILLPOINT_KILL'] === 'all' ? 20 : 5;

interface Client {
  readonly run: RunId;
  readonly registry: Registry;
  readonly plan: SnapshotPlan;
  readonly lease: Lease;
}

type Terms = Pick<PlannedHold, 'holds' | 'deadlineSeconds'>;

interface World {
  readonly fixture: {
    readonly host: RemoteHost;
    sh(script: string): Promise<string>;
    hook(terms: Terms): Hook;
    readonly slowness?: number;
    readonly folder: string;
  };
  readonly signal: AbortSignal;
  readonly failures: unknown[];
  readonly claimOf: (hold: PlannedHold | undefined) => string;
  /** sh that kills a section from within. */
  readonly killSection: string;
}

export function twoClients(world: () => World): void {
  const section = { holds: 'until-snapshots', deadlineSeconds: 20 } as const;

  /** @param during sh that runs on the host while the application is held */
  const client = async (who: 0 | 1, terms: Terms, during = ':'): Promise<Client> => {
    const { fixture, signal, failures } = world();
    const run = newRunId();
    const registry = createRegistry([folderCopy], [fixture.hook(terms)]);
    const survey = await surveyHost(fixture.host, { clock: systemClock, registry }, signal);
    const volumes = survey.volumes.filter(({ volume }) => volume.mountpoints.includes(fixture.folder));
    const source = {
      ...{ name: sourceName('s'), host: hostName('lab'), repository: repositoryName('main'), exclude: [] },
      paths: [Buffer.from(fixture.folder)],
    };
    const owner = owners[who];
    const plan = planSnapshots(volumes, source, { survey, registry, identity: { run, owner } });
    const lease = await acquireLease(
      { run, owner, leaseSeconds: 600, mounts: 1, holds: 1, who: `client${who}@test` },
      {
        ...{ host: fixture.host, scripts: registry.scripts, clock: systemClock, logger: silentLogger },
        onReleaseFailed: (error: unknown) => failures.push(error),
      },
      signal,
    );
    const items = plan.items.map((item) => ({
      ...item,
      create: { ...item.create, script: `${item.create.script}\n{ ${during}; } >&2` },
    }));
    return { run, registry, plan: { ...plan, items }, lease };
  };
  const attempt = ({ plan, registry }: Client) => trySet(plan, registry, world().fixture.host, world().signal);
  const takeInTurn = async (one: Client, told: RunEventBody[] = []): Promise<TakenSet> => {
    const ports = { host: 'lab', waitSeconds: 40, clock: systemClock, emit: (event: RunEventBody) => told.push(event) };
    return (await inTurn(() => attempt(one), ports, world().signal)).value;
  };
  const labelOf = async ({ plan, registry }: Client, { taken, held }: TakenSet): Promise<string> => {
    const spans = await endSet(plan, held, registry, world().fixture.host, world().signal);
    return judgeConsistency(evidenceOf(taken, plan.holds, spans)).consistency;
  };
  const busyFor = async (one: Client) => {
    const tried = await attempt(one);
    return 'busy' in tried ? tried.busy : undefined;
  };

  test('two clients at the very same time hold it one after the other, and both prove it', async () => {
    const isSlow = (world().fixture.slowness ?? 1) > 1 && process.env['STILLPOINT_KILL'] !== 'all';
    const told: RunEventBody[] = [];
    const rounds = isSlow ? 3 : ROUNDS;
    for (let round = 0; round < rounds; round += 1) {
      const clients = await Promise.all([client(0, section, ALONE), client(1, section, ALONE)]);
      const sets = await Promise.all(clients.map((one) => takeInTurn(one, told)));
      for (const [index, one] of clients.entries()) {
        const set = sets[index];
        expect(set && (await labelOf(one, set))).toBe(world().claimOf(one.plan.holds[0]));
      }
      await Promise.all(clients.map(({ lease }) => lease.release()));
    }
    // Of those rounds one at least had the two meet.
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatchObject({
      type: 'turn-waiting',
      host: 'lab',
      by: expect.stringMatching(/^client[01]@test$/) as unknown,
    });
  });

  test('who holds until the last read has it until then, and the other one is told whom he waits for', async () => {
    const first = await client(0, { holds: 'until-read', deadlineSeconds: 60 });
    const second = await client(1, section);
    const set = await takeInTurn(first);
    await wait(1100);
    const busy = await busyFor(second);
    expect(busy).toMatchObject({ run: first.run, by: 'client0@test', what: first.plan.holds[0]?.label });
    expect(busy?.heldMs).toBeGreaterThanOrEqual(1000);
    expect(await labelOf(first, set)).toBe(world().claimOf(first.plan.holds[0]));
    expect(await labelOf(second, await takeInTurn(second))).toBe(world().claimOf(second.plan.holds[0]));
    for (const { lease } of [first, second]) await lease.release();
  });

  test('who is released lets go nothing that another run holds by now', async () => {
    const { fixture } = world();
    const first = await client(0, section);
    const second = await client(
      1,
      section,
      'i=0; : > /run/is-held; while [ -e /run/is-held ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done',
    );
    expect(await labelOf(first, await takeInTurn(first))).toBe(world().claimOf(first.plan.holds[0]));
    const taking = takeInTurn(second);
    await fixture.sh('i=0; until [ -e /run/is-held ]; do sleep 0.1; i=$((i + 1)); [ $i -lt 300 ]; done');
    await first.lease.release();
    await fixture.sh('rm /run/is-held');
    expect(await labelOf(second, await taking)).toBe(world().claimOf(second.plan.holds[0]));
    await second.lease.release();
  });

  test('who is killed while he holds keeps his turn for as long as it may still be held, and no longer', async () => {
    const { killSection } = world();
    const second = await client(1, section);
    const killed = await client(0, section, killSection);
    await expect(attempt(killed)).rejects.toMatchObject({ message: expect.any(String) as unknown });
    expect(await busyFor(second)).toMatchObject({ run: killed.run });
    await killed.lease.release();
    expect(await labelOf(second, await takeInTurn(second))).toBe(world().claimOf(second.plan.holds[0]));
    await second.lease.release();
  });

  test('who is gone while he waits leaves nothing that others would wait for', async () => {
    const { fixture } = world();
    const first = await client(0, { holds: 'until-read', deadlineSeconds: 60 });
    const waiting = await client(1, section);
    const set = await takeInTurn(first);
    expect(await busyFor(waiting)).toMatchObject({ run: first.run });
    await fixture.sh(`[ ! -e /run/stillpoint/${waiting.run}/turns ]`);
    await labelOf(first, set);
    await first.lease.release();
    // The one that waits is there still, and is heard of no more.
    const third = await client(0, section);
    expect(await labelOf(third, await takeInTurn(third))).toBe(world().claimOf(third.plan.holds[0]));
    for (const { lease } of [third, waiting]) await lease.release();
  });
}
