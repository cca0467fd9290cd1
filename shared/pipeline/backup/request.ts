/** What to back up, and how to talk to where it is. */
import type { PlanId } from '../../domain/plan-id.ts';
import type { HostSpec, Source } from '../../domain/source.ts';

export interface BackupRequest {
  /** What it is for, where that is no backup. */
  readonly verb?: 'export';
  readonly source: Source;
  readonly host: HostSpec;
  /** A plan that was approved: this one is done, or none. */
  readonly plan?: PlanId | undefined;
  /** A person has decided that a host whose clock is far off is backed up all the same. */
  readonly acceptClockSkew: boolean;
}
