/**
 * File systems of other systems, mounted for as long as they are held: exFAT, which has neither owners nor permissions
 * nor links and takes names for one another, and NTFS, which others can write to and which has links. The kernels of
 * small machines lack their drivers, so those of FUSE are used, fetched by name. Needs root, /dev/fuse and loop devices.
 */
import { mkdtemp, readdir, rm, rmdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { fetchDebianPackage } from '../lab/debian-suite.ts';
import type { MountedFilesystem } from './loop-filesystem.ts';

const SUITE = 'bookworm';

interface Driver {
  readonly packages: readonly string[];
  /** From the top of its package. */
  readonly make: readonly [packageName: string, file: string, ...args: string[]];
  readonly mount: readonly [packageName: string, file: string, ...args: string[]];
}

const DRIVERS = {
  exfat: {
    packages: ['exfatprogs', 'exfat-fuse', 'libfuse2'],
    make: ['exfatprogs', 'usr/sbin/mkfs.exfat'],
    mount: ['exfat-fuse', 'sbin/mount.exfat-fuse'],
  },
  ntfs: {
    packages: ['ntfs-3g', 'libntfs-3g89'],
    make: ['ntfs-3g', 'sbin/mkntfs', '--quick', '--quiet', '--force'],
    mount: ['ntfs-3g', 'bin/ntfs-3g'],
  },
} as const satisfies Record<string, Driver>;

export type PoorKind = keyof typeof DRIVERS;

/** The file system, or the reason why it cannot be had here, as a sentence. */
export async function mountPoorFilesystem(
  kind: PoorKind,
  folder: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<MountedFilesystem | { readonly reason: string }> {
  const driver: Driver = DRIVERS[kind];
  const roots = new Map<string, string>();
  try {
    for (const name of driver.packages) {
      roots.set(name, (await fetchDebianPackage({ suite: SUITE, package: name }, signal)).root);
    }
  } catch (error) {
    return { reason: `the driver of ${kind} cannot be had: ${(error as Error).message}` };
  }
  const libraries = await Promise.all([...roots.values()].map(libraryFolders));
  const env = { LD_LIBRARY_PATH: libraries.flat().join(':') };
  const run = async ([name, file, ...args]: readonly [string, string, ...string[]], ...more: string[]) =>
    execa(join(roots.get(name) ?? '', file), [...args, ...more], { env });
  const path = await mkdtemp(join(folder, `${kind}-`));
  const image = `${path}.image`;
  await writeFile(image, '');
  await truncate(image, sizeBytes);
  const { stdout: device } = await execa('losetup', ['--find', '--show', image]);
  try {
    await run(driver.make, device);
    await run(driver.mount, device, path);
  } catch (error) {
    await execa('losetup', ['--detach', device]);
    throw error;
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await execa('umount', [path]);
      await execa('losetup', ['--detach', device], { reject: false });
      await rmdir(path);
      await rm(image);
    },
  };
}

async function libraryFolders(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const place of ['lib', 'usr/lib']) {
    const names = await readdir(join(root, place)).catch(() => []);
    found.push(...names.filter((name) => name.includes('linux')).map((name) => join(root, place, name)));
  }
  return found;
}
