/**
 * Small files that several processes share. Each is replaced or created in one step, so a reader sees a whole one or
 * none, whatever dies in between; a temporary file that a dead process left is of no meaning to anybody.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StillpointError, systemErrorCode } from '../base/errors.ts';

/** Puts `content` in the place of what is there. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = await writeTemporary(path, content);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storeError(path, error);
  }
}

/**
 * Gives the file a new time and leaves its content. It is written again, because a time that we set would be that of our
 * clock, and the folder may lie on another machine.
 */
export async function refreshFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const content = await file.readFile();
  if (content.length > 0) await file.write(content, 0, content.length, 0);
}

/** The time where the folder lies, which may be another machine's; where that cannot be asked, our own. */
export async function timeAt(folder: string): Promise<Date> {
  const path = join(folder, 'clock');
  try {
    await writeFile(path, '.', { mode: 0o600 });
    return (await stat(path)).mtime;
  } catch {
    return new Date();
  }
}

/** Creates the file with its content; false when there is one already. Of several callers exactly one gets true. */
export async function createFileOnce(path: string, content: string): Promise<boolean> {
  const temporary = await writeTemporary(path, content);
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw storeError(path, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw storeError(path, error);
  }
}

async function writeTemporary(path: string, content: string): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await file.writeFile(content);
    // Without this a power cut may leave the name with an empty file behind it.
    await file.sync();
    return temporary;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storeError(path, error);
  }
}

export function storeError(path: string, cause: unknown): StillpointError {
  const why = systemErrorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return new StillpointError('job.store-unusable', `The job store cannot use "${path}" (${why}).`, {
    advice:
      why === 'ENOSPC'
        ? 'The disk is full. Make room; until then no jobs can be recorded.'
        : 'Jobs cannot be recorded. Make the folder writable for you, or set XDG_STATE_HOME to another folder.',
    details: { path },
    cause,
  });
}
