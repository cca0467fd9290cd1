/** An empty file system of a chosen kind in a file, mounted for as long as it is held. Needs root and loop devices. */
import { mkdtemp, rm, rmdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

export type FilesystemKind = 'ext4' | 'xfs' | 'btrfs' | 'tmpfs';

export interface MountedFilesystem extends AsyncDisposable {
  readonly path: string;
}

/** `folder` takes the image and the mount point. XFS needs 300 MiB at least, Btrfs 120. */
export async function mountFilesystem(
  kind: FilesystemKind,
  folder: string,
  sizeBytes: number,
  options: readonly string[] = [],
): Promise<MountedFilesystem> {
  const path = await mkdtemp(join(folder, `${kind}-`));
  const image = `${path}.image`;
  if (kind === 'tmpfs') {
    await execa('mount', ['-t', 'tmpfs', '-o', [`size=${sizeBytes}`, ...options].join(), 'tmpfs', path]);
  } else {
    await writeFile(image, '');
    await truncate(image, sizeBytes);
    // Small ext4 images get blocks of 1 KiB, which are too small for attributes that others can hold.
    await execa(`mkfs.${kind}`, ['-q', ...(kind === 'ext4' ? ['-b', '4096'] : []), image]);
    await execa('mount', ['-o', ['loop', ...options].join(), image, path]);
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await execa('umount', [path]);
      await rmdir(path);
      await rm(image, { force: true });
    },
  };
}
