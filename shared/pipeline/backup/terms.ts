/** The terms of a run's lease, the same for its plan and for the run. */
import { whoWeAre } from '../../base/who-we-are.ts';
import type { HostSpec } from '../../domain/source.ts';
import type { LeaseTerms } from '../../snapshot/host/lease.ts';
import type { SnapshotPlan } from '../../snapshot/snapshot-set.ts';

/**
 * What is held until the last read stands still for as long as nobody hears of us, and the reading is as good as over when we
 * are away for longer than this. Four renewals lie in it.
 */
const SECONDS_WHILE_HELD = 120;

export function termsOf({ run, owner, items, holds }: SnapshotPlan, host: HostSpec): LeaseTerms {
  const isHeldToTheEnd = holds.some((hold) => hold.holds === 'until-read');
  const leaseSeconds = isHeldToTheEnd ? Math.min(host.leaseSeconds, SECONDS_WHILE_HELD) : host.leaseSeconds;
  return { run, owner, leaseSeconds, mounts: items.length, holds: holds.length, who: whoWeAre() };
}
