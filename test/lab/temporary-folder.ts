/**
 * A temporary folder that goes with its owner. Its name carries the owner's process id: folders of owners that were
 * killed outright are found by that and removed by the next process that makes one.
 */

import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUpAtExit } from './exit-cleanup.ts';

const prefix = 'stillpoint-lab-';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Creates an empty folder, mode 0700, removed with everything in it when disposed. */
export async function createTemporaryFolder(purpose: string): Promise<TemporaryFolder> {
  await removeForsakenFolders();
  const path = await mkdtemp(join(tmpdir(), `${prefix}${String(process.pid)}-${purpose}-`));
  const forget = cleanUpAtExit(() => {
    // A guest that was killed just now may still be writing.
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
      forget();
    },
  };
}

async function removeForsakenFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) {
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
