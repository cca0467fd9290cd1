/** Room for data made out of an empty device: what is asked for, what would be done, and what it has become. */
import type { HostName } from './names.ts';
import type { Plan } from './plan.ts';

/** The file systems that can be made: those whose snapshots every storage that is offered for them can take. */
export const NEW_FILE_SYSTEMS = ['ext4', 'xfs'] as const;
export type NewFileSystem = (typeof NEW_FILE_SYSTEMS)[number];

export interface NewVolumeRequest {
  readonly host: HostName;
  /** As the person typed it: a path on the host. */
  readonly device: string;
  readonly wanted: NewGroup | MoreRoom;
}

/** A group of its own with one volume and its file system; what the volume leaves is for snapshots. */
export interface NewGroup {
  readonly kind: 'volume';
  readonly group: string;
  readonly volume: string;
  readonly fileSystem: NewFileSystem;
  /** How large the volume is: so many bytes, or all but so many percent of the group. */
  readonly size: { readonly bytes: number } | { readonly reservePercent: number };
}

/** The device comes to a group that there is. */
interface MoreRoom {
  readonly kind: 'more-room';
  readonly group: string;
}

export interface NewVolumePlan extends Plan<'prepare'> {
  readonly host: HostName;
  readonly device: EmptyDevice;
  readonly group: string;
  /** What the group has when it is done, and what of it is free: for snapshots. */
  readonly groupBytes: number;
  readonly freeBytes: number;
  /** Undefined where the device comes to a group. */
  readonly volume:
    | { readonly path: string; readonly fileSystem: NewFileSystem; readonly sizeBytes: number }
    | undefined;
}

/** A device that nothing was found on. */
export interface EmptyDevice {
  /** The kernel's own name of it, which the person types: "/dev/sdb". */
  readonly path: string;
  /** "major:minor". */
  readonly number: string;
  readonly sizeBytes: number;
  /** What it says of itself, such as a model and a serial number; may be empty. */
  readonly says: string;
}

export interface NewVolume {
  readonly plan: NewVolumePlan;
  /** Of the file system that was made. */
  readonly uuid: string | undefined;
  /** What a person does next, as lines for a root shell on the host. */
  readonly next: readonly string[];
}
