/**
 * The recipe of the guest: what is in its two disks, where they are cached, and the fixed facts that the build and
 * the guest agree on. The cache is keyed by a hash over everything that decides the disks' content, so a changed
 * recipe makes a new image and an unchanged one is never built twice.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The guest's address inside its own network namespace; every guest has the same one, in a namespace of its own. */
export const guestAddress = '198.18.0.2';
export const namespaceAddress = '198.18.0.1';

export const rootDiskSize = '3G';
/** Size of the disk that holds volume group vg0; 3 GiB are taken by volumes, the rest is free for snapshots. */
export const dataDiskBytes = 8 * 1024 ** 3;

/** Debian packages inside the guest. */
export const guestPackages: readonly string[] = [
  'systemd-sysv',
  'udev',
  'kmod',
  'procps',
  'iproute2',
  'openssh-server',
  'lvm2',
  'thin-provisioning-tools',
  'e2fsprogs',
  'xfsprogs',
  'btrfs-progs',
  'acl',
  'attr',
  'sudo',
  'busybox',
  'fdisk',
  'mariadb-server',
];

/** What a kind of guest has on its root disk that others have not. */
export interface RootDiskExtras {
  /** Lines of sources.list, without the name of the mirror: "bookworm main contrib". */
  readonly archives: readonly string[];
  readonly packages: readonly string[];
  /** apt's preferences, where a package of these is to come from another archive than it would. */
  readonly preferences: string;
  /** Units that would only cost time at each boot. */
  readonly masked: readonly string[];
}

/** What the image is made of. Scripts that are only sent to a running guest lie beside it and change no image. */
export const imageSources = join(import.meta.dirname, 'guest', 'image');

/** Files of the lab that decide what ends up on the disks, beside the tree under `guest/image/`. */
const buildFiles = ['recipe.ts', 'root-disk.ts', 'image-build.ts'];

/** Names the recipe: 20 hexadecimal digits over the build files, the guest tree, the kernel's version and what is special. */
export async function recipeHash(kernelVersion: string, extras: RootDiskExtras | undefined): Promise<string> {
  const hash = createHash('sha256');
  hash.update(`${kernelVersion}\0`);
  if (extras !== undefined) hash.update(`${JSON.stringify(extras)}\0`);
  for (const name of buildFiles) await addFile(hash, name, join(import.meta.dirname, name));
  const entries = await readdir(imageSources, { recursive: true });
  for (const name of entries.toSorted()) {
    const path = join(imageSources, name);
    if ((await stat(path)).isFile()) await addFile(hash, name, path);
  }
  return hash.digest('hex').slice(0, 20);
}

async function addFile(hash: ReturnType<typeof createHash>, name: string, path: string): Promise<void> {
  const content = await readFile(path);
  hash.update(`${name}\0${String(content.length)}\0`).update(content);
}
