/** Exactly what a backup would do, before it does it. A printable value: shells show it, assistants read it. */
import type { Consistency } from './consistency.ts';
import type { HostName, RepositoryName, RunId, SourceName } from './names.ts';
import type { Plan } from './plan.ts';

export interface PlannedSnapshot {
  readonly volume: string;
  readonly volumeId: string;
  readonly snapshot: string;
  readonly sizeBytes: number;
  readonly freeBytesAfter: number;
  readonly mountpoint: string;
}

/** Its id is of what would be done, not of what is only foreseen or estimated; it begins with the run. */
export interface BackupPlan extends Plan<'backup'> {
  readonly run: RunId;
  readonly source: SourceName;
  readonly host: HostName;
  readonly repository: RepositoryName;
  readonly paths: readonly string[];
  readonly snapshots: readonly PlannedSnapshot[];
  /** What the result may be called when all goes well. */
  readonly consistency: Consistency;
  readonly estimate: { readonly bytesOnVolumes: number | undefined };
}
