/** What is asked of a host while somebody waits: what is on it, and what a backup or a sweep would do there. */
import { systemClock } from '../base/clock.ts';
import type { Configuration } from '../config/configuration.ts';
import { findSource } from '../config/look-up.ts';
import type { BackupPlan, ExportPlan } from '../domain/backup-plan.ts';
import type { HostInventory } from '../domain/host.ts';
import type { HostName, SourceName } from '../domain/names.ts';
import type { SweepPlan } from '../domain/sweep-plan.ts';
import type { ExportTarget } from '../domain/verbs/export.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { ownTraces } from '../jobs/run-register.ts';
import type { PlanRequest } from '../pipeline/describe-plan.ts';
import { inspect } from '../pipeline/inspect.ts';
import { planBackup, planExport } from '../pipeline/plan-backup.ts';
import type { PreparePorts } from '../pipeline/prepare.ts';
import { planSweep } from '../pipeline/sweep.ts';
import { REGISTRY } from '../snapshot/registry.ts';
import { findHost } from './hosts.ts';
import { type PeoplePorts, withHost } from './people.ts';

export interface HostWorkPorts {
  readonly people: PeoplePorts;
  configuration(): Promise<Configuration>;
  store(): Promise<JobStore>;
}

const PORTS = { clock: systemClock, registry: REGISTRY };

export class HostWork {
  readonly #ports: HostWorkPorts;

  constructor(ports: HostWorkPorts) {
    this.#ports = ports;
  }

  async inspect(name: HostName, signal: AbortSignal): Promise<HostInventory> {
    const spec = await findHost(await this.#ports.configuration(), name);
    return withHost(spec, this.#ports.people, signal, (host) => inspect(name, host, PORTS, signal));
  }

  async planBackup(name: SourceName, signal: AbortSignal): Promise<BackupPlan> {
    return this.#planRun(name, signal, (request, own, ports) => planBackup(request, own, ports, signal));
  }

  async planExport(name: SourceName, to: ExportTarget, signal: AbortSignal): Promise<ExportPlan> {
    return this.#planRun(name, signal, (request, own, ports) => planExport({ ...request, to }, own, ports, signal));
  }

  async #planRun<T>(
    name: SourceName,
    signal: AbortSignal,
    plan: (request: PlanRequest, own: Awaited<ReturnType<typeof ownTraces>>, ports: PreparePorts) => Promise<T>,
  ): Promise<T> {
    const configuration = await this.#ports.configuration();
    const source = findSource(configuration, name);
    const spec = await findHost(configuration, source.host);
    const own = await ownTraces(await this.#ports.store());
    return withHost(spec, this.#ports.people, signal, (host) => plan({ source, host: spec }, own, { host, ...PORTS }));
  }

  async planSweep(name: HostName, signal: AbortSignal): Promise<SweepPlan> {
    const spec = await findHost(await this.#ports.configuration(), name);
    const own = await ownTraces(await this.#ports.store());
    return withHost(spec, this.#ports.people, signal, (host) => planSweep(name, { host, ...PORTS, ...own }, signal));
  }
}
