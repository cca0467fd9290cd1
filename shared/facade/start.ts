/** From a shell's request to a job: what it means, whether it runs already, and what its process needs to know. */
import { systemClock } from '../base/clock.ts';
import type { Configuration } from '../config/configuration.ts';
import type { JobId } from '../domain/names.ts';
import { type JobRequest, verbOf } from '../domain/verbs/verbs.ts';
import type { Handover } from '../jobs/handover.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { identifyJob, placesOf } from '../jobs/places.ts';
import { findUnfinished, startJob } from '../jobs/start-job.ts';
import { findHost } from './hosts.ts';
import { gatherHandover, type PeoplePorts } from './people.ts';
import type { RepositoryShelf } from './repository-shelf.ts';

export interface StartPorts {
  readonly configuration: Configuration;
  readonly store: JobStore;
  readonly people: PeoplePorts;
  readonly shelf: RepositoryShelf;
  readonly runnerEntry: URL | undefined;
  /** What the job is to say first. */
  readonly warnings: Handover['warnings'];
}

/** Errors: `config.…`, `ssh.…`, `repository.…`, `job.…`, the signal's reason. */
export async function startRequest(
  request: JobRequest,
  { configuration, store, people, shelf, runnerEntry, warnings }: StartPorts,
  signal: AbortSignal,
): Promise<{ readonly id: JobId; readonly alreadyRunning: boolean }> {
  const configFile = configuration.file;
  const places = placesOf(request, configuration);
  verbOf(request).refuse?.(request, places.repositories);
  for (const host of [places.host, places.keeper])
    if (host !== undefined) await findHost(configuration, host.name, signal);
  const { resolved: identity } = await identifyJob(request, places, configFile, signal);
  const running = await findUnfinished(store, identity, systemClock);
  if (running !== undefined) return { id: running, alreadyRunning: true };
  const gathered = await gatherHandover(places, people, signal, (spec, trySignal) =>
    shelf.use(spec, trySignal, () => Promise.resolve()),
  );
  const handover = { ...gathered, warnings: [...warnings, ...gathered.warnings] };
  const options = { configFile, identity, handover, runnerEntry, clock: systemClock };
  return startJob(store, request, options, signal);
}
