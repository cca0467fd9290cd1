/** What the suite of backends needs of each of them, and the hand on what lies in a folder. */
import { chown, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Backend, FileRef } from '../../shared/repository/backend/backend.ts';

export interface BackendFixture extends AsyncDisposable {
  readonly backend: Backend;
  /** Changes what is stored, behind the backend's back; undefined takes the file away. */
  tamper(file: FileRef, change: (content: Buffer) => Buffer | undefined): Promise<void>;
}

/** For backends whose files lie in a folder of this machine. */
export function tamperInFolder(root: string): BackendFixture['tamper'] {
  return async ({ type, name }, change) => {
    const inFolder = type === 'data' ? [type, name.slice(0, 2), name] : [type, name];
    const target = path.join(root, ...(type === 'config' ? ['config'] : inFolder));
    const { uid, gid } = await stat(target);
    const changed = change(await readFile(target));
    // Its mode is read-only, so it is replaced and not written into.
    await rm(target);
    if (changed === undefined) return;
    await writeFile(target, changed, { mode: 0o400 });
    await chown(target, uid, gid);
  };
}
