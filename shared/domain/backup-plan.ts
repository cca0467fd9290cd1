/** Exactly what a backup would do, before it does it. A printable value: shells show it, assistants read it. */
import type { Consistency } from './consistency.ts';
import type { HostName, RepositoryName, RunId, SourceName } from './names.ts';

export interface PlannedSnapshot {
  readonly volume: string;
  readonly volumeId: string;
  readonly snapshot: string;
  readonly sizeBytes: number;
  readonly freeBytesAfter: number;
  readonly mountpoint: string;
}

export interface BackupPlan {
  readonly run: RunId;
  readonly source: SourceName;
  readonly host: HostName;
  readonly repository: RepositoryName;
  readonly paths: readonly string[];
  readonly snapshots: readonly PlannedSnapshot[];
  /** What the result may be called when all goes well. */
  readonly consistency: Consistency;
  /** The commands that would change the host, in order, as a person would type them. */
  readonly commands: readonly string[];
  readonly estimate: { readonly bytesOnVolumes: number | undefined };
  readonly risks: readonly string[];
}
