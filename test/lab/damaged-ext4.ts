/**
 * A real ext4 on a loop device in which single things are damaged, so that the kernel itself refuses to read them:
 * a block in the middle of a file, an inode, the content of a folder. Needs root, e2fsprogs and loop devices.
 */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { createTemporaryFolder } from './temporary-folder.ts';
import type { MountedFileSystem } from './tmpfs.ts';
import { disposeAll, unmountLater } from './tmpfs.ts';

const BLOCK_BYTES = 1024;

export interface Damage {
  /** Files, relative, of more than 50 KiB: their block at 50 KiB gets an address that the disk does not have. */
  readonly blocks?: readonly string[];
  /** Their inode is cleared, though the folder still names it. */
  readonly inodes?: readonly string[];
  /** Folders whose first block is overwritten. */
  readonly folders?: readonly string[];
}

/** `fill` gets a folder of which the file system is made; the result is the damaged one, mounted read-only. */
export async function mountDamagedExt4(
  fill: (path: string) => Promise<void>,
  damage: Damage,
  signal: AbortSignal,
): Promise<MountedFileSystem> {
  await using made = new AsyncDisposableStack();
  const folder = made.use(await createTemporaryFolder('damaged'));
  const disk = join(folder.path, 'disk.img');
  {
    await using file = await open(disk, 'wx');
    await file.truncate(64 * 1024 * 1024);
  }
  // Filled without being mounted: what another process still sees mounted is written back when it lets go, and not before.
  const content = join(folder.path, 'content');
  await mkdir(content);
  await fill(content);
  // Block maps instead of extents: their addresses are not checked before they are used.
  const features = ['-O', '^extent,^64bit,^has_journal', '-d', content];
  await execa('mkfs.ext4', ['-q', '-b', String(BLOCK_BYTES), ...features, disk], { cancelSignal: signal });
  const path = join(folder.path, 'mnt');
  await mkdir(path);
  await using image = await open(disk, 'r+');
  for (const name of damage.blocks ?? []) {
    const indirect = /\(IND\):(\d+)/.exec(await debugfs(disk, `stat "${name}"`))?.[1];
    if (indirect === undefined) throw new Error(`"${name}" is too small to be damaged`);
    // The first block that the indirect block names is the file's thirteenth.
    const slot = 50 - 12;
    await image.write(Buffer.from([0xff, 0xff, 0xff, 0x7f]), 0, 4, Number(indirect) * BLOCK_BYTES + slot * 4);
  }
  for (const name of damage.folders ?? []) {
    const block = Number((await debugfs(disk, `blocks "${name}"`)).trim().split(/\s+/)[0]);
    await image.write(Buffer.alloc(BLOCK_BYTES, 0x5a), 0, BLOCK_BYTES, block * BLOCK_BYTES);
  }
  for (const name of damage.inodes ?? []) await debugfs(disk, `clri "${name}"`);
  await execa('mount', ['-o', 'loop,ro', disk, path]);
  made.use(unmountLater(path));
  return { path, [Symbol.asyncDispose]: disposeAll(made) };
}

async function debugfs(disk: string, request: string): Promise<string> {
  return (await execa('debugfs', ['-w', '-R', request, disk])).stdout;
}
