/**
 * Exactly what a run over a source would do, before it does it: a backup, or an export. A printable value: shells show it,
 * assistants read it.
 */
import type { Consistency } from './consistency.ts';
import type { PlannedDumpFile } from './dump.ts';
import type { HostName, RepositoryName, RunId, SourceName } from './names.ts';
import type { Plan } from './plan.ts';
import type { ExportTarget } from './verbs/export.ts';

export interface PlannedSnapshot {
  readonly volume: string;
  readonly volumeId: string;
  readonly snapshot: string;
  readonly sizeBytes: number;
  readonly freeBytesAfter: number;
  readonly mountpoint: string;
}

/** Its id is of what would be done, not of what is only foreseen or estimated; it begins with the run. */
export interface RunPlan<Kind extends string> extends Plan<Kind> {
  readonly run: RunId;
  readonly source: SourceName;
  readonly host: HostName;
  readonly paths: readonly string[];
  readonly snapshots: readonly PlannedSnapshot[];
  /** What programs of the host would write out, each with a consistency of its own. */
  readonly dumps?: readonly PlannedDumpFile[];
  /** What the result may be called when all goes well. */
  readonly consistency: Consistency;
  readonly estimate: { readonly bytesOnVolumes: number | undefined };
}

export interface BackupPlan extends RunPlan<'backup'> {
  readonly repository: RepositoryName;
}

export interface ExportPlan extends RunPlan<'export'> {
  readonly to: ExportTarget;
}
