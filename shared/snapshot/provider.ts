/**
 * The port of a way to freeze an instant. The pipeline surveys, plans, creates, mounts and judges through it and knows
 * no storage by name. Removing is not here: it belongs to the lease, because it must also work when no record of this run is
 * left.
 *
 * Invariants: a survey and a plan change nothing; `create` is one remote script that makes all snapshots or leaves none
 * behind that the lease would not remove; what `judge` has not passed was not read from a valid snapshot.
 */
import type { PlannedSnapshot } from '../domain/backup-plan.ts';
import type { Mount, SnapshotCapability, SnapshotPool, Volume, VolumeKind } from '../domain/host.ts';
import type { OwnerId, RunId } from '../domain/names.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { BlockDevice } from './block-devices.ts';
import type { Lease } from './lease/lease.ts';

/** Programs on a host, separated by blanks, by the Debian package in which they come. */
export type Programs = Readonly<Record<string, string>>;

export interface SnapshotProvider {
  /** Which provider this is, in records and in answers for programs. */
  readonly kind: string;
  /** What its commands call on the host. */
  readonly programs: Programs;
  /** What would have to be done with `base` so that this provider can snapshot what lies there. */
  remedy(base: 'a disk' | 'this device' | 'the opened device'): string;
  /** Looks at what the host has of this storage. */
  survey(host: RemoteHost, mounts: Promise<readonly Mount[]>, signal: AbortSignal): Promise<Storage>;
  /** Errors: `snapshot.no-room`, `snapshot.kernel-lacks-it`, `snapshot.create-failed`, `snapshot.lease-lost`. */
  create(plan: SnapshotPlan, host: RemoteHost, signal: AbortSignal): Promise<readonly TakenSnapshot[]>;
  /** Mounts in the lease's private namespace. Errors: `snapshot.mount-failed`. */
  mount(
    taken: readonly TakenSnapshot[],
    host: RemoteHost,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<readonly ReadableSnapshot[]>;
  /** The verdict after the last read. Errors: `snapshot.full`, `snapshot.identity-changed`, `host.rebooted`. */
  judge(snapshots: readonly ReadableSnapshot[], host: RemoteHost, lease: Lease, signal: AbortSignal): Promise<void>;
}

/** What a provider found on a host. It answers from what it saw; nothing is asked of the host any more. */
export interface Storage {
  readonly provider: SnapshotProvider;
  readonly pools: readonly SnapshotPool[];
  /** The volume that is mounted here; undefined where it is none of this provider's. */
  claim(place: MountedDevice): Claim | undefined;
  /** Why what is mounted here cannot be snapshotted, where it lies on top of a volume of this provider. */
  refuse(place: MountedDevice): SnapshotCapability | undefined;
  /** The same host when a sweep has removed what dead runs of this owner left, and what it will have removed. */
  afterSweep(
    owner: OwnerId,
    dead: readonly RunId[],
  ): { readonly storage: Storage; readonly removes: readonly string[] };
  /** Errors: `snapshot.no-room`, `snapshot.unsupported`; all volumes that lack something in one. */
  plan(volumes: readonly DetectedVolume[], identity: RunIdentity): SnapshotPlan;
}

/** A file system, and all places where it is mounted. */
export interface MountedDevice {
  /** "major:minor". */
  readonly device: string;
  /** The first is the one that shows most of it. */
  readonly mounts: readonly [Mount, ...Mount[]];
  /** The device and all that it lies on, the upper ones first. */
  readonly layers: readonly BlockDevice[];
}

export interface Claim {
  /** Stable over reboots and snapshots; begins with a word of the provider. */
  readonly id: string;
  readonly kind: VolumeKind;
  /** For people. */
  readonly label: string;
  readonly sizeBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly snapshot: SnapshotCapability;
}

/** A volume of a host with its mounts. */
export interface DetectedVolume {
  readonly volume: Volume;
  readonly mounts: readonly Mount[];
}

export interface RunIdentity {
  readonly run: RunId;
  readonly owner: OwnerId;
}

export interface PlannedItem {
  readonly planned: PlannedSnapshot;
  readonly volume: DetectedVolume;
  /** The provider's own: what it needs to make this snapshot. */
  readonly order: unknown;
}

export interface SnapshotPlan extends RunIdentity {
  readonly items: readonly PlannedItem[];
  /** As an administrator would type them. */
  readonly commands: readonly string[];
  readonly risks: readonly string[];
}

export interface TakenSnapshot extends RunIdentity, PlannedItem {
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
