import type { Configuration } from '../config/configuration.ts';
import type { JobStore } from '../jobs/job-store.ts';
import type { PeoplePorts } from './people.ts';

/** What asking a host takes while somebody waits. */
export interface HostWorkPorts {
  readonly people: PeoplePorts;
  configuration(): Promise<Configuration>;
  store(): Promise<JobStore>;
}
