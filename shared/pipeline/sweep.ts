/** Removes what earlier runs of this owner left on a host, and says what looks like ours but is not. */
import type { Clock } from '../base/clock.ts';
import { isStillpointError } from '../base/errors.ts';
import type { EmitEvent } from '../domain/events.ts';
import type { HostName, OwnerId, RunId } from '../domain/names.ts';
import { requireApproved } from '../domain/plan.ts';
import { type SweepPlan, sweepPlan } from '../domain/sweep-plan.ts';
import type { SweepJobRequest, SweepReport } from '../domain/verbs/sweep.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { lookForTraces, type ReapResult, sweepHost } from '../snapshot/host/commands.ts';
import type { Registry } from '../snapshot/registry.ts';
import { phases } from './backup/phases.ts';
import type { OwnRuns } from './own-runs.ts';

export interface SweepPorts {
  openHost(signal: AbortSignal): Promise<RemoteHost>;
  readonly registry: Registry;
  readonly owner: OwnerId;
  readonly runs: Pick<OwnRuns, 'dead' | 'swept'>;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

export interface PlanSweepPorts {
  readonly host: RemoteHost;
  readonly registry: Registry;
  readonly owner: OwnerId;
  /** Runs that a sweep is going to take although their lease still runs. */
  readonly dead: readonly RunId[];
}

/** Changes nothing. */
export async function planSweep(
  name: HostName,
  { host, registry, owner, dead }: PlanSweepPorts,
  signal: AbortSignal,
): Promise<SweepPlan> {
  const { removed, kept } = await host.run(lookForTraces(registry.scripts, owner, dead), signal);
  return sweepPlan({ host: name, removes: removed, keeps: kept });
}

export async function sweep(
  { host: name, plan }: Omit<SweepJobRequest, 'kind'>,
  ports: SweepPorts,
  signal: AbortSignal,
): Promise<SweepReport> {
  const phase = phases<'sweep'>(ports.emit, ports.clock, signal);
  await using host = await phase('connect', () => ports.openHost(signal));
  const result = await phase('sweep', async () => {
    if (plan !== undefined) {
      const { registry, owner, runs } = ports;
      const dead = await runs.dead();
      requireApproved(plan, await planSweep(name, { host, registry, owner, dead }, signal));
    }
    return await sweepOwn(host, ports, signal);
  });
  return { kind: 'sweep', removed: result.removed, kept: result.kept };
}

/** Also what dead runs of ours left, though their lease still runs. */
export async function sweepOwn(
  host: RemoteHost,
  { registry, owner, runs, emit }: Pick<SweepPorts, 'registry' | 'owner' | 'runs' | 'emit'>,
  signal: AbortSignal,
): Promise<ReapResult> {
  const dead = await runs.dead();
  emit({ type: 'host-sweeping', host: host.name });
  const result = await host.run(sweepHost(registry.scripts, owner, dead), signal).catch((error: unknown) => {
    // Where sudo refused, nothing of ours ran there: what a sweep removed is not unknown then.
    if (isStillpointError(error, 'remote.sudo-refused')) emit({ type: 'host-swept', host: host.name, removed: [] });
    throw error;
  });
  emit({ type: 'host-swept', host: host.name, removed: result.removed });
  await runs.swept(result);
  return result;
}
