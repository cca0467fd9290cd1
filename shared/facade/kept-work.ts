/** What is asked of a host about snapshots that are kept on it, while somebody waits. */
import { systemClock } from '../base/clock.ts';
import type { Take } from '../base/take.ts';
import { findSource } from '../config/look-up.ts';
import type { KeptListing } from '../domain/kept.ts';
import type { CompareRequest, KeptChange, KeptComparison } from '../domain/kept-comparison.ts';
import { keptId } from '../domain/kept-name.ts';
import type { DropPlan, KeepPlan } from '../domain/kept-plans.ts';
import type { KeptTaken, TakeRequest } from '../domain/kept-take.ts';
import type { HostName } from '../domain/names.ts';
import type { DropChoice } from '../domain/verbs/drop.ts';
import type { KeepJobRequest } from '../domain/verbs/keep.ts';
import { ownTraces } from '../jobs/run-register.ts';
import { compareKept } from '../pipeline/kept/compare.ts';
import { planDrop } from '../pipeline/kept/drop.ts';
import { planKeep } from '../pipeline/kept/keep.ts';
import { type KeptPorts, listKept } from '../pipeline/kept/listing.ts';
import { keptScope } from '../pipeline/kept/scope.ts';
import { placesToTake, takeKept } from '../pipeline/kept/take.ts';
import { REGISTRY } from '../snapshot/registry.ts';
import type { HostWorkPorts } from './host-ports.ts';
import { findHost } from './hosts.ts';
import { withHost } from './people.ts';

export class KeptWork {
  readonly #ports: HostWorkPorts;

  constructor(ports: HostWorkPorts) {
    this.#ports = ports;
  }

  list(name: HostName, signal: AbortSignal): Promise<KeptListing> {
    return this.#on(name, signal, (ports) => listKept(name, ports, signal));
  }

  async compare(request: CompareRequest, onChange: Take<KeptChange>, signal: AbortSignal): Promise<KeptComparison> {
    for (const set of [request.before, request.after]) if (set !== undefined) keptId(set);
    return this.#on(request.host, signal, (ports) => compareKept(request, ports, onChange, signal));
  }

  async take(request: TakeRequest, signal: AbortSignal): Promise<KeptTaken> {
    placesToTake(request);
    return this.#on(request.host, signal, (ports) => takeKept(request, ports, signal));
  }

  async planKeep(request: KeepJobRequest, signal: AbortSignal): Promise<KeepPlan> {
    const configuration = await this.#ports.configuration();
    const spec = await findHost(configuration, request.host, signal);
    const source = request.source && findSource(configuration, request.source);
    keptScope(request, source);
    const own = await ownTraces(await this.#ports.store());
    return this.#on(request.host, signal, (ports) => planKeep({ ...request, host: spec, source }, own, ports, signal));
  }

  async planDrop(name: HostName, choice: DropChoice, signal: AbortSignal): Promise<DropPlan> {
    if (choice.by === 'ids') choice.ids.forEach(keptId);
    return this.#on(name, signal, (ports) => planDrop(name, choice, ports, signal));
  }

  async #on<T>(name: HostName, signal: AbortSignal, work: (ports: KeptPorts) => Promise<T>): Promise<T> {
    const spec = await findHost(await this.#ports.configuration(), name, signal);
    const { owner } = await ownTraces(await this.#ports.store());
    return withHost(spec, this.#ports.people, signal, (host) =>
      work({ host, owner, clock: systemClock, registry: REGISTRY }),
    );
  }
}
