/** What would be written into the configuration for a host, and what would be made for it. */
import type { HostName, RepositoryName, SourceName } from './names.ts';
import type { Plan } from './plan.ts';
import type { HostReadiness, ProposedSource } from './readiness.ts';

export interface SetupRequest {
  readonly host: HostName;
  readonly proposedHost: HostReadiness['proposedHost'];
  /** Those that a person wants of the proposed ones. */
  readonly sources: readonly ProposedSource[];
  /** One of the configuration, or a place for a new one. */
  readonly repository: { readonly name: RepositoryName } | { readonly location: string };
}

export interface SetupPlan extends Plan<'setup'> {
  /** The configuration. */
  readonly file: string;
  /** What comes to it, as JSON; a password in a location is shown as `***`. */
  readonly addition: string;
  readonly sources: readonly SourceName[];
  readonly repository: RepositoryName;
  /** Of a repository that is made. */
  readonly makes:
    | { readonly location: string; readonly passwordFile: string; readonly newPassword: boolean }
    | undefined;
}
