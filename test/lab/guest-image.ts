/**
 * The cache of guest images, one folder per recipe. Builders are serialised by a lock, and a finished image appears
 * by one rename: a build that dies leaves a folder that the next one removes, never half an image.
 */
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from './cache.ts';
import { lockFile } from './file-lock.ts';
import { type GuestKind, plainGuest } from './guest-kind.ts';
import { buildImage, imageFiles } from './image-build.ts';
import type { PreparedKernel } from './kernel/guest-kernel.ts';
import { type Progress } from './progress.ts';
import { recipeHash } from './recipe.ts';
import { ensureLabRequirements } from './requirements.ts';

/** A finished image. Its disks are bases for copy-on-write and are never written. */
export interface GuestImage {
  /** What boots it; its modules are on the root disk. */
  readonly kernel: PreparedKernel;
  readonly directory: string;
  readonly rootDisk: string;
  readonly dataDisk: string;
  /** Private key that logs in as root and as every lab user. */
  readonly identityFile: string;
  /** The guest's public host key: type, base64, comment. */
  readonly hostKey: string;
}

const keepUnusedMs = 14 * 24 * 3_600_000;

/** The image of the present recipe, built first when it is not in the cache. Installs what the build needs. */
export async function guestImage(
  progress: Progress,
  signal: AbortSignal,
  kind: GuestKind = plainGuest,
): Promise<GuestImage> {
  await ensureLabRequirements(signal);
  const kernel = await kind.chooseKernel({ progress, signal });
  const extras = kind.extras?.();
  progress.note(`guests run on ${kernel.title}`);
  const directory = join(
    cacheRoot(),
    await recipeHash(kind.extras === undefined ? kernel.release : kernel.title, extras),
  );
  const cached = await openImage(kernel, directory);
  if (cached !== undefined) return cached;

  await mkdir(cacheRoot(), { recursive: true, mode: 0o700 });
  await using _lock = await lockFile(join(cacheRoot(), 'build.lock'), signal);
  const builtMeanwhile = await openImage(kernel, directory);
  if (builtMeanwhile !== undefined) return builtMeanwhile;

  await removeOldImages();
  const workplace = `${directory}.building`;
  await mkdir(workplace, { mode: 0o700 });
  try {
    await buildImage({ kernel, extras }, workplace, { progress, signal });
    await rename(workplace, directory);
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
  const built = await openImage(kernel, directory);
  if (built === undefined) throw new Error(`The image in "${directory}" is not whole after its build`);
  return built;
}

async function openImage(kernel: PreparedKernel, directory: string): Promise<GuestImage | undefined> {
  const hostKey = await readFile(join(directory, `${imageFiles.hostKey}.pub`), 'utf8').catch(() => undefined);
  if (hostKey === undefined) return undefined;
  const now = new Date();
  await utimes(directory, now, now); // the time of last use, for removeOldImages
  return {
    kernel,
    directory,
    rootDisk: join(directory, imageFiles.rootDisk),
    dataDisk: join(directory, imageFiles.dataDisk),
    identityFile: join(directory, imageFiles.identity),
    hostKey: hostKey.trim(),
  };
}

/** Called under the build lock: a folder still being built then belongs to a builder that died. */
async function removeOldImages(): Promise<void> {
  for (const name of await readdir(cacheRoot())) {
    const path = join(cacheRoot(), name);
    const [isImage, suffix] = /^[0-9a-f]{20}(\.building)?$/.exec(name) ?? [];
    if (isImage === undefined) continue;
    const isOld = Date.now() - (await stat(path)).mtimeMs > keepUnusedMs;
    if (suffix !== undefined || isOld) await rm(path, { recursive: true, force: true });
  }
}
