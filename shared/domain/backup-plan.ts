/** Exactly what a backup would do, before it does it. A printable value: shells show it, assistants read it. */
import type { Consistency } from './consistency.ts';
import type { HostName, RepositoryName, RunId, SourceName } from './names.ts';
import type { PlanId } from './plan-id.ts';

export interface PlannedSnapshot {
  readonly volume: string;
  readonly volumeId: string;
  readonly snapshot: string;
  readonly sizeBytes: number;
  readonly freeBytesAfter: number;
  readonly mountpoint: string;
}

/** A remote command as it will run. */
export interface PlannedCommand {
  readonly name: string;
  /** What it does, a line each; where that is a program of the host, as an administrator would type it. */
  readonly does: readonly string[];
  readonly needs: 'root' | 'user';
  /** POSIX sh, and its arguments. */
  readonly script: string;
  readonly args: readonly string[];
}

export interface BackupPlan {
  readonly kind: 'backup';
  /** Of all that would be done, not of what is only foreseen or estimated; begins with the run. */
  readonly id: PlanId;
  readonly run: RunId;
  readonly source: SourceName;
  readonly host: HostName;
  readonly repository: RepositoryName;
  readonly paths: readonly string[];
  readonly snapshots: readonly PlannedSnapshot[];
  /** What the result may be called when all goes well. */
  readonly consistency: Consistency;
  /** The scripts that would change the host, in order: the very ones that run. */
  readonly commands: readonly PlannedCommand[];
  readonly estimate: { readonly bytesOnVolumes: number | undefined };
  readonly risks: readonly string[];
}
