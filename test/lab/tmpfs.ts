/** A small memory file system for tests of full disks and of links across devices. Needs root. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { cleanUpAtExit } from './exit-cleanup.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

export interface MountedFileSystem extends AsyncDisposable {
  /** Mount point, owned by root, empty at the start. */
  readonly path: string;
}

/** Mounts a tmpfs that holds `sizeBytes` (rounded up to pages) and, when given, no more than `inodes` files. */
export async function mountTmpfs(options: {
  readonly sizeBytes: number;
  readonly inodes?: number;
}): Promise<MountedFileSystem> {
  const limits = [`size=${String(options.sizeBytes)}`, 'mode=0755'];
  if (options.inodes !== undefined) limits.push(`nr_inodes=${String(options.inodes)}`);
  await using made = new AsyncDisposableStack();
  const folder = made.use(await createTemporaryFolder('tmpfs'));
  const path = join(folder.path, 'mnt');
  await mkdir(path);
  await execa('mount', ['-t', 'tmpfs', '-o', limits.join(','), 'stillpoint-lab', path]);
  made.use(unmountLater(path));
  return { path, [Symbol.asyncDispose]: disposeAll(made) };
}

/** Unmounts `path` when disposed, and when this process leaves without disposing. */
export function unmountLater(path: string): AsyncDisposable {
  const forget = cleanUpAtExit(() => {
    execaSync('umount', ['--lazy', path], { reject: false });
  });
  return {
    [Symbol.asyncDispose]: async () => {
      forget();
      await execa('umount', [path]);
    },
  };
}

/** Hands everything on `stack` over to one disposer, to be called once. */
export function disposeAll(stack: AsyncDisposableStack): () => Promise<void> {
  const owned = stack.move();
  return async () => {
    await owned.disposeAsync();
  };
}
