/**
 * Writes a configuration in one step: whoever reads it sees the old one or the new one, and what dies in between leaves
 * the old one. What cannot be replaced as it is, is refused: a person then writes by hand what was shown.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, link, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { StillpointError, systemErrorCode } from '../base/errors.ts';
import { makeFolders } from '../base/make-folders.ts';
import { readRegularFile } from './regular-file.ts';

/** The bytes of the file as it is now; undefined where there is none. */
export async function configBytes(file: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(file);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw cannotWrite(file, systemErrorCode(error) ?? String(error), error);
  }
}

/** @param before what the file was when the change was made of it. Errors: `config.not-written`, `config.changed`. */
export async function replaceConfig(file: string, before: Buffer | undefined, after: string): Promise<void> {
  try {
    await (before === undefined ? createNew(file, after) : replace(await realpath(file), before, after));
  } catch (error) {
    if (error instanceof StillpointError) throw error;
    throw cannotWrite(file, systemErrorCode(error) ?? String(error), error);
  }
}

async function createNew(file: string, after: string): Promise<void> {
  // Also of a link that leads nowhere: it is not ours to say what it is for.
  await makeFolders(dirname(file), 0o700);
  const temporary = await writeBeside(file, after, 0o600);
  try {
    await link(temporary, file);
  } catch (error) {
    throw systemErrorCode(error) === 'EEXIST' ? changed(file) : error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(file);
}

/** @param file without links: one that leads to it stays what it is */
async function replace(file: string, before: Buffer, after: string): Promise<void> {
  const found = await stat(file);
  if (found.nlink > 1) throw cannotWrite(file, 'it has a second name (a hard link)', undefined);
  if (found.uid !== process.getuid?.()) throw cannotWrite(file, 'it belongs to another user', undefined);
  await access(file, constants.W_OK);
  const temporary = await writeBeside(file, after, found.mode & 0o7777);
  try {
    const now = await configBytes(file);
    if (now?.equals(before) !== true) throw changed(file);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(file);
}

async function writeBeside(file: string, content: string, mode: number): Promise<string> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await using handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(content);
    await handle.sync();
    // Not at the opening, where the umask has a say.
    await chmod(temporary, mode);
    return temporary;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function syncFolder(file: string): Promise<void> {
  await using folder = await open(dirname(file), 'r');
  await folder.sync();
}

function changed(file: string): StillpointError {
  return new StillpointError('config.changed', `"${file}" was changed in this moment by somebody else.`, {
    advice: 'Do the same again: it is then made of what stands there now.',
    details: { file },
    cause: undefined,
  });
}

function cannotWrite(file: string, why: string, cause: unknown): StillpointError {
  return new StillpointError('config.not-written', `The configuration file "${file}" cannot be written: ${why}.`, {
    advice: 'Write the entries that were shown into it by hand, or make it a file that is yours and writable.',
    details: { file },
    cause,
  });
}
