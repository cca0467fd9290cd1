/**
 * Half of the time in which a program of ours starts goes by while its text is compiled. What came of that is kept beside
 * the caches of the user; Node looks whether it still fits, and goes without where it does not, or cannot be kept.
 *
 * Invariant: nothing is loaded from a folder in which somebody else can write.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { readEnvironment } from './environment.ts';

/** To be called before the program is imported. */
export function keepCompiled(folder = join(readEnvironment().cacheHome, 'stillpoint-programs')): void {
  if (isOursAlone(folder)) module.enableCompileCache(folder);
}

export function isOursAlone(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const ourselves = process.getuid?.();
    return found.isDirectory() && (ourselves === undefined || (found.uid === ourselves && (found.mode & 0o022) === 0));
  } catch {
    return false;
  }
}
