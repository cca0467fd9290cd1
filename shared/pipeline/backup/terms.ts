/** The terms of a run's lease, the same for its plan and for the run. */
import type { HostSpec } from '../../domain/source.ts';
import type { LeaseTerms } from '../../snapshot/host/lease.ts';
import type { SnapshotPlan } from '../../snapshot/snapshot-set.ts';

export function termsOf({ run, owner, items, holds }: SnapshotPlan, { leaseSeconds }: HostSpec): LeaseTerms {
  return { run, owner, leaseSeconds, mounts: items.length, holds: holds.length };
}
