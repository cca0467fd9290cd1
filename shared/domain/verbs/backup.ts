/** The backup: from the volumes of a host to a restore point in a repository. */
import type { ClockSkew } from '../clock-skew.ts';
import type { Consistency, HoldEvidence } from '../consistency.ts';
import type { DumpEvidence } from '../dump.ts';
import type { JobId, SourceName } from '../names.ts';
import type { PlanId } from '../plan-id.ts';
import { NO_STORE, type RunFacts } from '../run-facts.ts';
import { aboutUnsure, counted, listed } from '../store-ends.ts';
import { defineVerb } from './definition.ts';

export interface BackupJobRequest {
  readonly kind: 'backup';
  readonly source: SourceName;
  readonly plan?: PlanId | undefined;
  /** The job whose run is to be taken up, and nothing else to be done. */
  readonly resume?: JobId;
  /** A person has decided so, see `host.clock-skew`. */
  readonly acceptClockSkew?: boolean;
}

export interface BackupReport {
  readonly kind: 'backup';
  readonly restorePoint: string;
  readonly parent: string | undefined;
  readonly consistency: Consistency;
  /** Time between the first and the last volume's instant; 0 with one volume. */
  readonly skewMs: number;
  /** Of the restore point: the instant on the clock of the machine that ran this, ISO 8601. */
  readonly time: string;
  /** The same instant on the host's clock, ISO 8601. */
  readonly hostTime: string;
  /** By how much the host's clock was ahead of ours. */
  readonly clockSkew: ClockSkew;
  readonly snapshots: readonly SnapshotReport[];
  /** What was held still, and what is proved of it; with the instants of the snapshots the evidence for `consistency`. */
  readonly holds: readonly HoldEvidence[];
  /** What programs of the host wrote out; none where the source asks for none. */
  readonly dumps?: readonly DumpEvidence[];
  readonly files: { readonly new: number; readonly changed: number; readonly unmodified: number };
  readonly folders: number;
  readonly others: number;
  /** Sizes of all files in the restore point. */
  readonly bytesTotal: number;
  /** Content of files that was read from the snapshot. */
  readonly bytesRead: number;
  /** Content of large files that changed which was not sent, because hashes from the host say that the parent has it. */
  readonly bytesEqual?: number;
  /** What came over the connection while reading, with the stream's own overhead. */
  readonly bytesReceived: number;
  /** What the repository grew by. */
  readonly bytesStored: number;
  readonly blobsNew: number;
  readonly skipped: readonly SkippedItem[];
  /** How many entries of the source are not in the restore point; it is partial unless this is 0. */
  readonly missingCount: number;
}

export interface SnapshotReport {
  readonly volume: string;
  readonly snapshot: string;
  readonly freezeMs: number;
  /** Between which two readings of the host's uptime, in seconds, the instant lies. */
  readonly instant: { readonly afterUptime: number; readonly beforeUptime: number };
  readonly lifetimeMs: number;
  readonly sizeBytes: number;
  /** The most of it that was in use, by the guard's samples. */
  readonly peakUsedBytes: number;
}

/** What was left out, or saved without all that belongs to it. */
export interface SkippedItem {
  readonly path: string;
  readonly reason: string;
}

export const BACKUP = defineVerb<BackupJobRequest, BackupReport>()({
  phases: {
    connect: 'end-tells',
    preflight: 'end-tells',
    dump: 'end-tells',
    arm: 'snapshot-goes',
    snapshot: 'snapshot-goes',
    mount: 'snapshot-goes',
    list: 'snapshot-goes',
    read: 'snapshot-goes',
    'end-check': 'snapshot-goes',
    commit: 'point-may-stay',
    release: 'point-may-stay',
  },
  changes: ['host', 'repository'],
  describe: ({ source }) => `backup of "${source}"`,
  places: ({ source }) => ({ source }),
  // A plan is of a run of its own.
  takesUp: ({ plan, resume }) => (plan === undefined ? (resume ?? 'any') : 'none'),
  resuming: ({ kind, source, acceptClockSkew: accept }, job) => ({
    ...{ kind, source, resume: job },
    ...(accept === undefined ? {} : { acceptClockSkew: accept }),
  }),
  aboutData: (_, { stores }) => {
    const [store = NO_STORE] = Object.values(stores);
    const { pointsSaved, packsSaved, unsure } = store;
    if (pointsSaved.length > 0) return [`The restore point ${listed(pointsSaved)} is saved.`];
    if (unsure.length > 0) return aboutUnsure(store);
    const kept = `What it had stored (${counted(packsSaved, 'pack')}) stays in the repository until a prune.`;
    return ['No restore point was saved.', ...(packsSaved === 0 ? [] : [kept])];
  },
  isSaved: ({ stores }: RunFacts) => Object.values(stores).some(({ pointsSaved }) => pointsSaved.length > 0),
  isPartial: ({ missingCount }) => missingCount > 0,
  madePoint: ({ restorePoint }) => restorePoint,
});
