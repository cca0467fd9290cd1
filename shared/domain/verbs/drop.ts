/** Dropping: kept snapshots are removed from a host because somebody said so. */
import type { HostName } from '../names.ts';
import type { PlanId } from '../plan-id.ts';
import { defineVerb } from './definition.ts';

/** Which sets: some by their ids, or all of ours whose time is over. */
export type DropChoice = { readonly by: 'ids'; readonly ids: readonly string[] } | { readonly by: 'expiry' };

export interface DropJobRequest {
  readonly kind: 'drop-snapshots';
  readonly host: HostName;
  readonly choice: DropChoice;
  /** A plan that was approved: this one is done, or none. */
  readonly plan: PlanId;
}

export interface DropReport {
  readonly kind: 'drop-snapshots';
  readonly host: HostName;
  readonly removed: readonly string[];
  /** What was to be removed and is there, each with the reason. */
  readonly left: readonly { readonly object: string; readonly reason: string }[];
}

export const DROP = defineVerb<DropJobRequest, DropReport>()({
  phases: { connect: 'end-tells', preflight: 'end-tells', drop: 'end-tells' },
  changes: ['host'],
  describe: ({ host }) => `removal of kept snapshots of "${host}"`,
  places: ({ host }) => ({ host }),
  aboutData: ({ host }) => [`What is there now, "stillpoint snapshot list ${host}" shows.`],
  isPartial: ({ left }) => left.length > 0,
});
