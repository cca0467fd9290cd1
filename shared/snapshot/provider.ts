/**
 * The port of a way to freeze an instant. A provider surveys, plans, and says by fragments of sh how a snapshot is made,
 * mounted and looked at; who runs them, and together with those of which other providers, is not its business
 * (`snapshot-set.ts`). How the host itself lists, removes and guards its snapshots is a port of its own
 * (`host/functions.ts`), because it must also work when no record of a run is left.
 *
 * Invariants: a survey and a plan change nothing; a fragment makes its snapshot or leaves nothing behind that the
 * host's own functions would not remove; what was not judged to be as it was has not been read from a valid snapshot.
 */

import type { StillpointError } from '../base/errors.ts';
import type { PlannedSnapshot } from '../domain/backup-plan.ts';
import type { Mount, SnapshotCapability, SnapshotPool, Volume, VolumeKind } from '../domain/host.ts';
import type { OwnerId, RunId } from '../domain/names.ts';
import type { HostFinding } from '../domain/readiness.ts';
import type { Turn } from '../domain/turn.ts';
import type { FailedPart, Fragment } from '../remote/fragment.ts';
import type { Programs } from '../remote/programs.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { BlockDevice } from './block-devices.ts';
import type { StorageFunctions } from './host/functions.ts';
import type { KeepOrder, KeepSteps, KeptObject, Removal } from './kept-port.ts';
import type { LayoutPart } from './layout-part.ts';
import type { VolumeMaker } from './volume-maker.ts';

export interface SnapshotProvider {
  /** Which provider this is, in records and in answers for programs. */
  readonly kind: string;
  /** What its commands call on the host. */
  readonly programs: Programs;
  /** What the host must be able to do with its snapshots when none of us is there. */
  readonly onHost: StorageFunctions;
  /** What would have to be done with `base` so that this provider can snapshot what lies there. */
  remedy(base: 'a disk' | 'this device' | 'the opened device'): string;
  /** Of a storage that can be made out of an empty device. */
  readonly maker?: VolumeMaker;
  /** How what the host has of this storage is built again; for sources of a whole system. */
  readonly layout?: LayoutPart;
  /** Looks at what the host has of this storage. */
  survey(host: RemoteHost, mounts: Promise<readonly Mount[]>, signal: AbortSignal): Promise<Storage>;
}

/** What a provider found on a host. It answers from what it saw; nothing is asked of the host any more. */
export interface Storage {
  readonly provider: SnapshotProvider;
  readonly pools: readonly SnapshotPool[];
  /**
   * The volumes of this provider that are seen through the mounts of a device: none, one, or several that share it, also
   * those that are mounted nowhere and are seen inside another one.
   */
  claim(device: MountedDevice): readonly Claim[];
  /**
   * The device as a volume that is read as a whole, byte for byte, where it is one of this provider's, or lies on one; with
   * a reason where no snapshot of it can be made. Without the function there is none.
   */
  claimDevice?(device: RawDevice): DeviceClaim | undefined;
  /** Why what is mounted here cannot be snapshotted, where it lies on top of a volume of this provider. */
  refuse(device: MountedDevice): SnapshotCapability | undefined;
  /** The same host when a sweep has removed what dead runs of this owner left, and what it will have removed. */
  afterSweep(
    owner: OwnerId,
    dead: readonly RunId[],
  ): { readonly storage: Storage; readonly removes: readonly string[] };
  /** Of a storage with something to see to. */
  readonly upkeep?: StorageUpkeep;
  /** Volumes that have a place on the host and are not mounted there. */
  readonly unmounted?: readonly UnmountedVolume[];
  /** What it does with snapshots that are kept on purpose. */
  readonly kept: KeptSnapshots;
  /**
   * Errors: `snapshot.no-room`, with the lines that would help as `details.mends` where there are such;
   * `snapshot.unsupported`; all volumes that lack something in one.
   */
  plan(volumes: readonly OriginVolume[], wish: SnapshotWish): StoragePlan;
}

/** What a storage does with snapshots that are kept on purpose; see `kept-port.ts`. */
export interface KeptSnapshots {
  /** What there is. Changes nothing. */
  look(host: RemoteHost, signal: AbortSignal): Promise<readonly KeptObject[]>;
  /** @param words of letters, digits and _+.-/=& only, each of at most 120 */
  keep(order: KeepOrder, words: readonly string[]): KeepSteps;
  /** Of one with marks of ours: removes it if it still bears this owner's, and is the one that was found. */
  remove(object: KeptObject, owner: string): { readonly line: string; readonly remove: Fragment<Removal> };
  /**
   * How one is read that is whole: it is mounted, looked at and judged like one that was just made.
   *
   * @param volume that it is of
   */
  read(object: KeptObject, volume: DetectedVolume, reader: RunIdentity): KeptReading;
}

export interface KeptReading {
  readonly item: PlannedItem;
  /** What its provider would have seen of it when it was made. */
  readonly seen: Seen;
  /** Once it is no longer mounted: leaves it as it was found. */
  readonly putAway: Fragment<void>;
}

/**
 * What an administrator has to see to, beside what stands in the way of a snapshot at this moment. Lines are shown to a
 * person and never run by us.
 */
export interface StorageUpkeep {
  /** Asks the host for what no survey needs. Changes nothing. */
  findings(host: RemoteHost, signal: AbortSignal): Promise<readonly HostFinding[]>;
  /** What may be written to the volume while a snapshot of it lives, in bytes; undefined where that is not known. */
  roomFor(volume: DetectedVolume): number | undefined;
  /** Lines for a root shell that give a snapshot of the volume so many bytes more to live on; none where that cannot be. */
  moreRoom(volume: DetectedVolume, bytes: number): readonly string[];
  /** Lines for a root shell that make the volume and its file system larger by so much; none where that cannot be. */
  enlarge(volume: DetectedVolume, bytes: number): readonly string[];
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

/** A block device that a source wants saved as an image. */
export interface RawDevice {
  /** As the source names it. */
  readonly asked: Buffer;
  /** "major:minor". */
  readonly device: string;
  /** The device and all that it lies on, the upper ones first. */
  readonly layers: readonly BlockDevice[];
  /** See `DeviceLook`. */
  readonly content: string | undefined;
  /** Of the file system in it, where that is mounted. */
  readonly mount: Mount | undefined;
}

export type DeviceClaim = Pick<Claim, 'id' | 'kind' | 'label' | 'snapshot'>;

export interface Claim {
  /** Stable over reboots and snapshots; begins with a word of the provider. */
  readonly id: string;
  readonly kind: VolumeKind;
  /** For people. */
  readonly label: string;
  readonly sizeBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly snapshot: SnapshotCapability;
  /** Where it is seen; the first is the one that shows most of it. */
  readonly places: readonly [VolumePlace, ...VolumePlace[]];
  /** A path in the volume where the provider itself keeps what belongs to snapshots: never saved. */
  readonly ours?: Buffer;
}

/** Where a volume is seen on the host, or a part of it. */
export interface VolumePlace {
  readonly target: Buffer;
  /** What is seen there: a path in the volume, "/" for all of it. */
  readonly root: Buffer;
  /** Through which mount; its target is another place where the volume is seen inside another one. */
  readonly mount: Mount;
  /**
   * What it is, in the plural, where it is left out although it lies within what a source names: then a note counts them,
   * and each is an empty folder. A path of a source that leads there is saved.
   */
  readonly aside?: string;
}

/** What is seen at its place is a part of another volume, which is saved as it is; a note tells of this one. */
export interface UnmountedVolume {
  readonly target: Buffer;
  readonly label: string;
  /** What it is, in the plural. */
  readonly what: string;
  /** What mounts it. */
  readonly remedy: string;
  /** Whether it should be mounted: then a source cannot name its place, or what is below. */
  readonly isExpected: boolean;
}

/** A volume of which a snapshot may be made. */
export interface OriginVolume {
  readonly volume: Volume;
  /** Where it is seen; nowhere where it is read as a whole. */
  readonly places: readonly VolumePlace[];
  /** See `Claim`. */
  readonly ours?: Buffer;
  /** It is a device whose bytes are saved: its snapshot is shown as a device, and not mounted. */
  readonly isRaw?: boolean;
}

/** A volume of a host with its places. */
export interface DetectedVolume extends OriginVolume {
  readonly places: readonly [VolumePlace, ...VolumePlace[]];
}

export const placeOfMount = (mount: Mount): VolumePlace => ({ target: mount.target, root: mount.root, mount });

export interface RunIdentity {
  readonly run: RunId;
  readonly owner: OwnerId;
}

export interface SnapshotWish extends RunIdentity {
  /** How long the snapshots are to live; only until they are read, where nothing is said. */
  readonly lifetimeSeconds?: number;
}

export interface StoragePlan {
  readonly items: readonly PlannedItem[];
  readonly risks: readonly string[];
}

/** What a provider saw of a snapshot, by names of its own; printable. */
export type Seen = Readonly<Record<string, string>>;

/** What a provider knows of a snapshot that stands. */
export interface StandingSnapshot {
  readonly sizeBytes: number;
  readonly seen: Seen;
  /** Paths in the volume at which the snapshot has an empty folder for a volume that came to be after the plan. */
  readonly unplanned?: readonly Buffer[];
}

/** One snapshot of a plan: all that must be done with it on the host, as values. */
export interface PlannedItem {
  readonly provider: string;
  readonly planned: PlannedSnapshot;
  readonly volume: OriginVolume;
  /** Those of the same word are made by one program, in one instant; without one it has an instant of its own. */
  readonly instant?: string;
  /** What no other run on the host may make a snapshot of meanwhile, whoever it is of. */
  readonly turns: readonly Turn[];
  /** Of one with room of its own that may end: how large the host lets it grow. */
  readonly mostBytes?: number | undefined;
  /** Makes it; runs in the critical section and calls that one's functions, see there. */
  readonly create: Fragment<StandingSnapshot>;
  /**
   * Makes its content visible, read-only, at `path` in the run's namespace, which `sp_enter "$run" COMMAND…` enters (of a raw
   * volume as the block device `path/device`);
   * prints what tells later that it is still the same.
   */
  mount(path: string): Fragment<Seen>;
  /** What of it can be seen after the last read. */
  readonly observe: Fragment<Seen>;
  /** Throws unless the snapshot is the one that was made, and was whole all the time. Pure. */
  judge(standing: StandingSnapshot, mounted: Seen, observed: Seen, host: string): void;
  /** What its steps do, as an administrator would type them. */
  readonly lines: { readonly create: string; mount(path: string): string; readonly remove: string };
  /** The error for a fragment that failed. */
  explain(step: 'create' | 'mount', failed: FailedPart, host: string): StillpointError;
}

export interface TakenSnapshot extends RunIdentity, PlannedItem {
  /** On the host. */
  readonly id: string;
  readonly standing: StandingSnapshot;
  /** Uptime of the host in seconds; the snapshot's instant lies between the two. */
  readonly beforeUptime: number;
  readonly afterUptime: number;
  /** The host's clock just before the instant, never after it; ns since 1970. */
  readonly wallClockNs: bigint;
}

export interface ReadableSnapshot extends TakenSnapshot {
  /** The folder in the lease's namespace under which the file system's root is. */
  readonly path: string;
  readonly mounted: MountedSnapshot;
}

/** What was mounted, pinned before the first read and compared after the last. */
export interface MountedSnapshot {
  /** The line of mountinfo in the keeper's namespace. */
  readonly mountLine: string;
  readonly rootInode: string;
  readonly seen: Seen;
}
