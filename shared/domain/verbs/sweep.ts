/** The sweep: what runs of ours left behind on a host is removed from it. */
import type { HostName } from '../names.ts';
import type { PlanId } from '../plan-id.ts';
import { defineVerb } from './definition.ts';

export interface SweepJobRequest {
  readonly kind: 'sweep';
  readonly host: HostName;
  /** A plan that was approved: this one is done, or none. */
  readonly plan?: PlanId | undefined;
}

export interface SweepReport {
  readonly kind: 'sweep';
  readonly removed: readonly string[];
  /** Things that look like ours and were left alone, each with the reason. */
  readonly kept: readonly { readonly object: string; readonly reason: string }[];
}

export const SWEEP = defineVerb<SweepJobRequest, SweepReport>()({
  phases: { connect: 'end-tells', sweep: 'end-tells' },
  changes: ['host'],
  describe: ({ host }) => `sweep of "${host}"`,
  places: ({ host }) => ({ host }),
  aboutData: () => [],
});
