/** What a host is made of, as far as a backup needs it: mounts, the volumes under them, and what each could give us. */
import type { HostName } from './names.ts';

/** One line of `/proc/self/mountinfo`; see proc(5). Paths are bytes with the octal escapes resolved. */
export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** "major:minor" of the file system's device. */
  readonly device: string;
  /** The folder of the file system that is mounted here: "/" but for bind mounts, and for volumes that share a device. */
  readonly root: Buffer;
  readonly target: Buffer;
  readonly options: readonly string[];
  readonly fsType: string;
  readonly source: Buffer;
  readonly superOptions: readonly string[];
}

/** What a volume is. Providers have words of their own for the volumes that they answer for. */
export interface VolumeKind {
  /** In answers for programs; see {@link BARE_KINDS} for those without a provider. */
  readonly name: string;
  /** For people, such as "plain file system". */
  readonly words: string;
}

/** Kinds of volumes that no provider answers for. */
export const BARE_KINDS = {
  plain: { name: 'plain', words: 'plain file system' },
  network: { name: 'network', words: 'network file system' },
  pseudo: { name: 'pseudo', words: 'kernel file system' },
  overlay: { name: 'overlay', words: 'overlay file system' },
  fuse: { name: 'fuse', words: 'FUSE file system' },
} as const satisfies Record<string, VolumeKind>;

/** How a snapshot of a volume can be taken, or why it cannot and what would make it possible. */
export type SnapshotCapability =
  | { readonly possible: true; readonly provider: string }
  | { readonly possible: false; readonly reason: string; readonly remedy: string };

/** What snapshots are taken of, or a plain file system, that is mounted on a host. */
export interface Volume {
  /** Stable over reboots and snapshots: the provider's name for it, else "dev:<major:minor>". */
  readonly id: string;
  readonly kind: string;
  /** The kind for people. */
  readonly kindWords: string;
  /** For people: how the storage calls it, or the mount's source. */
  readonly label: string;
  /** Where it is mounted, shown text. The first is the one that is used for reading. */
  readonly mountpoints: readonly string[];
  readonly fsType: string;
  readonly sizeBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly snapshot: SnapshotCapability;
}

/** Where snapshots take their room. */
export interface SnapshotPool {
  readonly name: string;
  /** What it is, in a word of its storage. */
  readonly kindWords: string;
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

export interface HostInventory {
  readonly host: HostName;
  /** Kernel and distribution in words. */
  readonly system: string;
  readonly bootId: string;
  readonly volumes: readonly Volume[];
  readonly pools: readonly SnapshotPool[];
  /** Things that a person should know before a first backup. */
  readonly warnings: readonly string[];
}

/** A host as it is offered: written in the configuration, or found in the user's SSH configuration. */
export interface HostSummary {
  readonly name: HostName;
  readonly origin: 'configuration' | 'ssh-config';
  readonly sources: readonly string[];
  /** How it is logged in to, as text to compare: another one means that what was learned of it may not hold. */
  readonly login: string;
  /** Whether assistants may log in to it. */
  readonly forAssistants: boolean;
}
