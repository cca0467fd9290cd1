/**
 * The port of a way to freeze an instant. The pipeline plans, creates, mounts and judges through it and knows nothing
 * of LVM. Removing is not here: it belongs to the lease, because it must also work when no record of this run is left.
 *
 * Invariants: `plan` changes nothing; `create` is one remote script that makes all snapshots or leaves none behind that
 * the lease would not remove; what `judge` has not passed was not read from a valid snapshot.
 */
import type { PlannedSnapshot } from '../domain/backup-plan.ts';
import type { OwnerId, RunId } from '../domain/names.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { DetectedVolume } from './detect.ts';
import type { Lease } from './lease/lease.ts';
import type { Survey } from './survey.ts';

export interface SnapshotProvider {
  readonly kind: 'lvm-thick';
  /** Errors: `lvm.no-room`, `lvm.unsupported-origin`. */
  plan(volumes: readonly DetectedVolume[], survey: Survey, identity: RunIdentity, host: string): SnapshotPlan;
  /** Errors: `lvm.no-room`, `lvm.module-missing`, `snapshot.create-failed`, `snapshot.lease-lost`. */
  create(plan: SnapshotPlan, host: RemoteHost, signal: AbortSignal): Promise<readonly TakenSnapshot[]>;
  /** Mounts in the lease's private namespace. Errors: `snapshot.mount-failed`. */
  mount(
    taken: readonly TakenSnapshot[],
    host: RemoteHost,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<readonly ReadableSnapshot[]>;
  /** The verdict after the last read. Errors: `lvm.snapshot-full`, `snapshot.identity-changed`, `host.rebooted`. */
  judge(snapshots: readonly ReadableSnapshot[], host: RemoteHost, lease: Lease, signal: AbortSignal): Promise<void>;
}

export interface RunIdentity {
  readonly run: RunId;
  readonly owner: OwnerId;
}

export interface PlannedItem {
  readonly planned: PlannedSnapshot;
  readonly volume: DetectedVolume;
  /** What is taken where other runs have taken the rest since the plan was made; never more than planned. */
  readonly leastBytes: number;
}

export interface SnapshotPlan extends RunIdentity {
  readonly items: readonly PlannedItem[];
  /** As an administrator would type them. */
  readonly commands: readonly string[];
  readonly risks: readonly string[];
}

export interface TakenSnapshot extends RunIdentity {
  readonly planned: PlannedSnapshot;
  readonly volume: DetectedVolume;
  readonly uuid: string;
  /** Uptime of the host in seconds; the snapshot's instant lies between the two. */
  readonly beforeUptime: number;
  readonly afterUptime: number;
  /** The host's clock just before the instant, never after it; ns since 1970. */
  readonly wallClockNs: bigint;
}

export interface ReadableSnapshot extends TakenSnapshot {
  /** The folder in the lease's namespace under which the file system's root is. */
  readonly path: string;
  readonly pinned: unknown;
}
