/** What a finished job proved, in figures. Everything here was measured or counted, nothing is assumed. */
import type { ClockSkew } from './clock-skew.ts';
import type { Consistency, HoldEvidence } from './consistency.ts';
import type { PruneFigures } from './prune-plan.ts';
import type { RepairPlan } from './repair-plan.ts';

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

/** What a backup left out, or saved without all that belongs to it. */
export interface SkippedItem {
  readonly path: string;
  readonly reason: string;
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
  readonly files: { readonly new: number; readonly changed: number; readonly unmodified: number };
  readonly folders: number;
  readonly others: number;
  /** Sizes of all files in the restore point. */
  readonly bytesTotal: number;
  /** Content of files that was read from the snapshot. */
  readonly bytesRead: number;
  /** What came over the connection while reading, with the stream's own overhead. */
  readonly bytesReceived: number;
  /** What the repository grew by. */
  readonly bytesStored: number;
  readonly blobsNew: number;
  readonly skipped: readonly SkippedItem[];
  /** How many entries of the source are not in the restore point; it is partial unless this is 0. */
  readonly missingCount: number;
}

export interface RestoreReport {
  readonly kind: 'restore';
  readonly restorePoint: string;
  readonly target: string;
  /** What is in the target. */
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  readonly bytes: number;
  /** Wanted, and not in the target or not with its content. */
  readonly leftOut: SkippedEntries;
  /** In the target, without something that belongs to it. */
  readonly notKept: readonly AttributeLoss[];
  /** Under other names than in the restore point, because the target cannot hold those. */
  readonly renamed: Renamed;
  /** What the restore point itself says of its gaps; undefined where it says of none. */
  readonly gaps: string | undefined;
}

export interface Renamed {
  readonly count: number;
  /** The first of them: the path in the restore point, and the new last part of it. */
  readonly named: readonly { readonly path: string; readonly name: string }[];
}

export interface SkippedEntries {
  readonly count: number;
  /** The first of them. */
  readonly named: readonly SkippedItem[];
}

/** One kind of loss: "extended attributes (Operation not supported)". */
export interface AttributeLoss {
  readonly what: string;
  readonly entries: number;
  /** Paths of the first of them. */
  readonly examples: readonly string[];
}

export interface Finding {
  /** What is wrong, naming the object. */
  readonly message: string;
  /** `information` is good to know and asks for nothing. */
  readonly severity: 'damage' | 'warning' | 'information';
  /** Restore points and files that are affected, as far as known: the start of the point's id, ":" and the path. */
  readonly affects: readonly string[];
  /** What to do next. */
  readonly advice?: string;
}

/** How much of the content was read and proved. A pack that was not read to its end does not count as read. */
export interface ProvedContent {
  readonly packs: number;
  /** Packs that are there. */
  readonly packsTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  /** Which share was asked for: "3/7", "10 %"; absent where all was. */
  readonly subset: string | undefined;
  /** What the index names and is not there; in neither total. Jobs of earlier versions did not record it. */
  readonly missing?: { readonly packs: number; readonly bytes: number };
  /** Index files that could not be read: how much content only they name is unknown. Recorded as `missing` is. */
  readonly lostIndexes?: number;
}

export interface CheckReport {
  readonly kind: 'check' | 'verify';
  readonly packs: number;
  readonly blobs: number;
  readonly restorePoints: number;
  readonly bytesRead: number;
  /** Only of a `verify`. */
  readonly proved?: ProvedContent;
  readonly findings: readonly Finding[];
}

export interface CopyReport {
  readonly kind: 'copy';
  /** Names of the repositories. */
  readonly from: string;
  readonly to: string;
  /** Ids of restore points, in the one and in the other repository. */
  readonly copied: readonly { readonly source: string; readonly copy: string }[];
  /** Restore points that the other repository had as copies before. */
  readonly alreadyThere: number;
  readonly failed: readonly { readonly restorePoint: string; readonly reason: string }[];
  /** Content that was read of the source, as it is stored there. */
  readonly bytesRead: number;
  /** What the other repository grew by. */
  readonly bytesStored: number;
  readonly blobsNew: number;
}

export interface SweepReport {
  readonly kind: 'sweep';
  readonly removed: readonly string[];
  /** Things that look like ours and were left alone, each with the reason. */
  readonly kept: readonly { readonly object: string; readonly reason: string }[];
}

export interface ForgetReport {
  readonly kind: 'forget';
  readonly plan: string;
  /** Ids of restore points, in the order in which they went. */
  readonly forgotten: readonly string[];
  /** Of those that were looked at. */
  readonly kept: number;
  readonly prune: PruneReport | undefined;
}

export interface PruneReport {
  readonly kind: 'prune';
  readonly plan: string;
  /** As planned, and done. */
  readonly figures: PruneFigures;
  readonly packsDeleted: number;
  readonly packsWritten: number;
  readonly bytesWritten: number;
}

export interface RepairReport {
  readonly kind: 'repair';
  readonly plan: RepairPlan;
  /** Whether the plan was carried out; a plan without work never is. */
  readonly applied: boolean;
}

export type JobResult =
  | BackupReport
  | RestoreReport
  | CheckReport
  | CopyReport
  | SweepReport
  | ForgetReport
  | PruneReport
  | RepairReport;

/** Whether a job that ended well is without something that was asked of it; its report names what. */
export function isPartial(result: JobResult | undefined): boolean {
  if (result?.kind === 'backup') return result.missingCount > 0;
  return result?.kind === 'restore' && result.leftOut.count > 0;
}
