/** What is asked of a host while somebody waits: what is on it, and what a backup or a sweep would do there. */
import { systemClock } from '../base/clock.ts';
import { isStillpointError, type StillpointError } from '../base/errors.ts';
import type { Configuration } from '../config/configuration.ts';
import { findSource } from '../config/look-up.ts';
import type { BackupPlan, ExportPlan } from '../domain/backup-plan.ts';
import type { HostInventory } from '../domain/host.ts';
import type { HostName, SourceName } from '../domain/names.ts';
import type { NewVolume, NewVolumePlan, NewVolumeRequest } from '../domain/new-volume.ts';
import type { PlanId } from '../domain/plan-id.ts';
import type { HostReadiness } from '../domain/readiness.ts';
import type { HostSpec } from '../domain/source.ts';
import type { SweepPlan } from '../domain/sweep-plan.ts';
import type { ExportTarget } from '../domain/verbs/export.ts';
import { ownTraces } from '../jobs/run-register.ts';
import type { Configured } from '../pipeline/advise/propose.ts';
import { askSudo } from '../pipeline/advise/sudo-rights.ts';
import { advise } from '../pipeline/advise.ts';
import type { PlanRequest } from '../pipeline/describe-plan.ts';
import { inspect } from '../pipeline/inspect.ts';
import { makeVolume, planVolume, refuseVolume } from '../pipeline/make-volume.ts';
import { planBackup, planExport } from '../pipeline/plan-backup.ts';
import type { PreparePorts } from '../pipeline/prepare.ts';
import { planSweep } from '../pipeline/sweep.ts';
import { mayChangeHost } from '../snapshot/identify-host.ts';
import { REGISTRY } from '../snapshot/registry.ts';
import type { HostWorkPorts } from './host-ports.ts';
import { findHost } from './hosts.ts';
import { KeptWork } from './kept-work.ts';
import { type PeoplePorts, withHost } from './people.ts';

const PORTS = { clock: systemClock, registry: REGISTRY };

/** A host without an entry is used as its account may use it. */
function withSudo(spec: HostSpec, people: PeoplePorts, signal: AbortSignal): Promise<HostSpec> {
  return withHost(spec, people, signal, async (host) => {
    if (await host.run(mayChangeHost, signal)) return spec;
    const { may } = await host.run(askSudo, signal);
    return may === 'without-password' ? { ...spec, sudo: 'passwordless' } : spec;
  });
}

function configuredFor(name: HostName, { hosts, sources, repositories }: Configuration): Configured {
  const [first = 'main', ...others] = [...repositories.keys()];
  return {
    hasHost: hosts.has(name),
    sources: new Set(sources.keys()),
    repository: others.length === 0 ? first : 'main',
  };
}

export class HostWork {
  readonly #ports: HostWorkPorts;
  readonly kept: KeptWork;

  constructor(ports: HostWorkPorts) {
    this.#ports = ports;
    this.kept = new KeptWork(ports);
  }

  async inspect(name: HostName, signal: AbortSignal): Promise<HostInventory> {
    const spec = await findHost(await this.#ports.configuration(), name, signal);
    return withHost(spec, this.#ports.people, signal, (host) => inspect(name, host, PORTS, signal));
  }

  /**
   * Who may be root there without being asked, and has no entry that says otherwise, is root for this look. Where sudo
   * refuses what the configuration says, the look is made without it: that it does is what a person has to know.
   */
  async advise(name: HostName, signal: AbortSignal): Promise<HostReadiness> {
    const configuration = await this.#ports.configuration();
    const written = await findHost(configuration, name, signal);
    const configured = configuredFor(name, configuration);
    const own = await ownTraces(await this.#ports.store());
    const look = (spec: HostSpec, refusal?: StillpointError): Promise<HostReadiness> =>
      withHost(spec, this.#ports.people, signal, (host) =>
        advise({ spec, configured, refusal }, { host, ...PORTS, ...own }, signal),
      );
    const given = configured.hasHost ? written : await withSudo(written, this.#ports.people, signal);
    try {
      return await look(given);
    } catch (error) {
      if (given.sudo === 'none' || !isStillpointError(error, 'remote.sudo-refused')) throw error;
      return await look({ ...given, sudo: 'none' }, error);
    }
  }

  async planBackup(name: SourceName, signal: AbortSignal): Promise<BackupPlan> {
    return this.#planRun(name, signal, (request, own, ports) => planBackup(request, own, ports, signal));
  }

  async planExport(name: SourceName, to: ExportTarget, signal: AbortSignal): Promise<ExportPlan> {
    if (to.kind === 'mirror' && to.host !== undefined)
      await findHost(await this.#ports.configuration(), to.host, signal);
    return this.#planRun(name, signal, (request, own, ports) => planExport({ ...request, to }, own, ports, signal));
  }

  async #planRun<T>(
    name: SourceName,
    signal: AbortSignal,
    plan: (request: PlanRequest, own: Awaited<ReturnType<typeof ownTraces>>, ports: PreparePorts) => Promise<T>,
  ): Promise<T> {
    const configuration = await this.#ports.configuration();
    const source = findSource(configuration, name);
    const spec = await findHost(configuration, source.host, signal);
    const own = await ownTraces(await this.#ports.store());
    return withHost(spec, this.#ports.people, signal, (host) => plan({ source, host: spec }, own, { host, ...PORTS }));
  }

  async planVolume(request: NewVolumeRequest, signal: AbortSignal): Promise<NewVolumePlan> {
    refuseVolume(request, REGISTRY);
    const spec = await findHost(await this.#ports.configuration(), request.host, signal);
    return withHost(spec, this.#ports.people, signal, (host) => planVolume(request, { host, ...PORTS }, signal));
  }

  async makeVolume(request: NewVolumeRequest, plan: PlanId, signal: AbortSignal): Promise<NewVolume> {
    const spec = await findHost(await this.#ports.configuration(), request.host, signal);
    return withHost(spec, this.#ports.people, signal, (host) => makeVolume(request, plan, { host, ...PORTS }, signal));
  }

  async planSweep(name: HostName, signal: AbortSignal): Promise<SweepPlan> {
    const spec = await findHost(await this.#ports.configuration(), name, signal);
    const own = await ownTraces(await this.#ports.store());
    return withHost(spec, this.#ports.people, signal, (host) => planSweep(name, { host, ...PORTS, ...own }, signal));
  }
}
