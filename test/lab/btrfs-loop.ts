/** A real Btrfs file system on a sparse file and a loop device, at native speed. Needs root. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { ensureDebianPackages } from './requirements.ts';
import { createTemporaryFolder } from './temporary-folder.ts';
import type { MountedFileSystem } from './tmpfs.ts';
import { disposeAll, unmountLater } from './tmpfs.ts';

/** Makes and mounts a Btrfs of `sizeBytes` (at least 256 MiB; disk is taken only as it is filled). */
export async function mountBtrfs(
  options: { readonly sizeBytes: number },
  signal: AbortSignal,
): Promise<MountedFileSystem> {
  await ensureDebianPackages(['btrfs-progs'], signal);
  await using made = new AsyncDisposableStack();
  const folder = made.use(await createTemporaryFolder('btrfs'));
  const disk = join(folder.path, 'disk.img');
  await createSparseFile(disk, options.sizeBytes);
  await execa('mkfs.btrfs', ['--quiet', disk], { cancelSignal: signal });
  const path = join(folder.path, 'mnt');
  await mkdir(path);
  // The loop device detaches itself with the unmount.
  await execa('mount', ['-t', 'btrfs', '-o', 'loop,noatime', disk, path]);
  made.use(unmountLater(path));
  return { path, [Symbol.asyncDispose]: disposeAll(made) };
}

async function createSparseFile(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'wx');
  await file.truncate(sizeBytes);
}
