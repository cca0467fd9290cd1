/** Keeping: snapshots that stay on the host until somebody removes them, made like those of a backup. */
import type { Consistency, HoldEvidence } from '../consistency.ts';
import type { KeptPair } from '../kept-marks.ts';
import type { KeptId } from '../kept-name.ts';
import type { HostName, SourceName } from '../names.ts';
import type { PlanId } from '../plan-id.ts';
import { defineVerb } from './definition.ts';

export interface KeepJobRequest {
  readonly kind: 'keep-snapshots';
  readonly host: HostName;
  /** Its paths are meant, and what it holds still is held still. Without it `paths` are. */
  readonly source?: SourceName;
  readonly paths: readonly string[];
  readonly reason: string;
  /** Absent for as long as somebody wants it. */
  readonly lifetimeSeconds?: number;
  readonly pair?: KeptPair;
  readonly plan?: PlanId | undefined;
}

export interface KeepReport {
  readonly kind: 'keep-snapshots';
  readonly host: HostName;
  readonly set: KeptId;
  /** On the clock of the machine that ran this, ISO 8601. */
  readonly time: string;
  readonly expires: string | undefined;
  readonly consistency: Consistency;
  readonly skewMs: number;
  readonly holds: readonly HoldEvidence[];
  readonly snapshots: readonly KeptReport[];
}

interface KeptReport {
  readonly volume: string;
  readonly id: string;
  readonly freezeMs: number;
  /** 0 where it has no room of its own. */
  readonly sizeBytes: number;
}

export const KEEP = defineVerb<KeepJobRequest, KeepReport>()({
  phases: {
    connect: 'end-tells',
    preflight: 'end-tells',
    arm: 'snapshot-goes',
    snapshot: 'snapshot-goes',
    keep: 'end-tells',
    release: 'end-tells',
  },
  changes: ['host'],
  describe: ({ host }) => `keeping snapshots of "${host}"`,
  places: ({ host, source }) => (source === undefined ? { host } : { source, repositories: [] }),
  aboutData: ({ host }, { host: facts }) => {
    if (facts?.isKeeping !== true) return ['Nothing is kept.'];
    const known = facts.snapshotsKept === undefined ? 'Some' : `${facts.snapshotsKept}`;
    return [`${known} of its snapshots may be kept: "stillpoint snapshot list ${host}" shows what there is.`];
  },
});
