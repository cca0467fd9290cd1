/**
 * Folders with those on the way to them. Not left to `mkdir` of Node with `recursive`: where a file system answers
 * ENOENT although the parent is there, as /proc does, that asks for ever and keeps a thread busy.
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes what is missing of the path. A folder that is there is good, also behind a link, and keeps its mode.
 * Errors are those of the file system, with their `code`.
 */
export async function makeFolders(path: string, mode: number): Promise<void> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    const found = await madeOrThere(at, mode);
    if (found === undefined) break;
    // Every folder on the way is asked for once; the root is its own parent.
    if (dirname(at) === at) throw found;
    missing.push(at);
  }
  for (const next of missing.toReversed()) {
    const lost = await madeOrThere(next, mode);
    if (lost !== undefined) throw lost;
  }
}

/** ENOENT where the parent is missing, or the file system says so; undefined where the folder is there now. */
async function madeOrThere(path: string, mode: number): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path, { mode });
    return undefined;
  } catch (error) {
    const refused = error as NodeJS.ErrnoException;
    if (refused.code === 'ENOENT') return refused;
    // EEXIST, or what a read-only file system, a mount or a drive says of a folder that is there.
    const isThere = await stat(path).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
    if (isThere) return undefined;
    throw refused;
  }
}
