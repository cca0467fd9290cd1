/**
 * The port between the lab and the kernels that it can boot a guest with. A kernel runs as an ordinary program in the
 * guest's namespaces, finds tap device `tap0` there, and prints the guest's console on its standard output. It gets
 * the same early user space and the same disks whichever it is; only its modules are its own.
 */

/** A disk of the guest: an image used directly, or a copy-on-write file over a base that is never written. */
export type GuestDisk = { readonly image: string } | { readonly copyOnWrite: string; readonly base: string };

export interface Machine {
  /** For the kernel's own files; what an earlier boot left there may be removed. */
  readonly directory: string;
  /** The first one holds the root file system; none for a trial. */
  readonly disks: readonly GuestDisk[];
  readonly memoryMiB: number;
  /** File of the early user space, see `early-userspace.ts`. */
  readonly initialRamDisk: string;
  /** Words for the kernel's command line. */
  readonly words: readonly string[];
}

/** How the kernel's program is started. */
export interface Launch {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly workingDirectory: string;
}

/** A kernel that is on this machine, whether or not it boots here. */
export interface PreparedKernel {
  readonly name: string;
  /** For people: what it is, its release and where it is from. */
  readonly title: string;
  /** As `uname -r` prints it in the guest. */
  readonly release: string;
  /** Folder that becomes `/usr/lib/modules/<release>` in the guest. */
  readonly modules: string;
  /** Files of modules that the early user space loads to find the root disk and the network, in this order. */
  readonly earlyModules: readonly string[];
  /** The root disk's device in the guest. */
  readonly rootDevice: string;
  /** How long it may be silent, although it could run, before it is taken for dead. */
  readonly hangMs: number;
  launch(machine: Machine): Promise<Launch>;
}

/** One way to a kernel. */
export interface GuestKernel {
  /** As STILLPOINT_LAB_KERNEL names it. */
  readonly name: string;
  /** Fetches or installs what it needs. Throws with one sentence when it cannot be had. */
  prepare(signal: AbortSignal): Promise<PreparedKernel>;
}
