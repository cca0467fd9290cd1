/** Acts on files and folders for which version 3 of SFTP needs several requests, or a look at what the refusal meant. */
import { never } from '../../base/cancel.ts';
import { isFolder, OPEN, STATUS } from '../../remote/sftp/packets.ts';
import type { SftpClient } from '../../remote/sftp/sftp-client.ts';
import { sftpStatusOf } from '../../remote/sftp/sftp-errors.ts';
import { DEAD_LINK, NO_FOLDER, NOT_A_FOLDER, type PlaceSeen, seenWithin } from './place-seen.ts';
import { letGo, readContent, readFolder } from './sftp-transfer.ts';

/** Version 3 has no word for "is there already", so a refusal is looked into. */
export async function makeFolder(client: SftpClient, folder: string, mode: number): Promise<void> {
  try {
    await client.makeFolder(folder, mode);
  } catch (error) {
    if (sftpStatusOf(error) === undefined || sftpStatusOf(error) === STATUS.noSuchFile) throw error;
    const found = await client.stat(folder).catch(() => undefined);
    if (found === undefined || !isFolder(found)) throw error;
  }
}

/** Undefined where it cannot be told. A server has one word for what is not there and for what lies below a file. */
export async function lookAtPlace(
  client: SftpClient,
  folder: string,
  signal: AbortSignal,
): Promise<PlaceSeen | undefined> {
  const found = await client.stat(folder).catch((error: unknown) => {
    if (sftpStatusOf(error) !== STATUS.noSuchFile) throw error;
  });
  if (found === undefined) return (await client.lstat(folder).catch(() => undefined)) ? DEAD_LINK : NO_FOLDER;
  if (found.mode === undefined) return undefined;
  if (!isFolder(found)) return NOT_A_FOLDER;
  return seenWithin(
    'the folder',
    (await readFolder(client, folder, signal)).map(({ name }) => name),
  );
}

/**
 * Gives the temporary file its name. Where the server cannot replace a file, one that is there already is compared: it
 * is the same, as its name is its hash, or it is damaged and moved out of the way before it is replaced.
 */
export async function moveOver(
  client: SftpClient,
  temporary: string,
  target: string,
  content: readonly Uint8Array[],
): Promise<void> {
  if (client.has('posix-rename@openssh.com')) return await client.posixRename(temporary, target);
  try {
    await client.rename(temporary, target);
  } catch (error) {
    if (sftpStatusOf(error) === undefined || !(await isThere(client, target))) throw error;
    if (await holds(client, target, content)) return await client.remove(temporary);
    const aside = `${temporary}-old`;
    await client.rename(target, aside);
    await client.rename(temporary, target);
    await client.remove(aside);
  }
}

async function isThere(client: SftpClient, target: string): Promise<boolean> {
  try {
    await client.stat(target);
    return true;
  } catch (error) {
    if (sftpStatusOf(error) === STATUS.noSuchFile) return false;
    throw error;
  }
}

async function holds(client: SftpClient, target: string, content: readonly Uint8Array[]): Promise<boolean> {
  const handle = await client.openFile(target, OPEN.read);
  try {
    const wanted = Buffer.concat(content);
    if ((await client.statHandle(handle)).sizeBytes !== wanted.length) return false;
    const move = { client, handle, throttle: undefined, signal: never };
    const [bytes, came] = await readContent(0, wanted.length, move);
    return came === wanted.length && bytes.equals(wanted);
  } finally {
    letGo(client, handle);
  }
}

/** A rename is safe against a power cut only once the folder itself is on the disk. Not every server can do this. */
export async function syncFolder(client: SftpClient, folder: string): Promise<void> {
  if (!client.has('fsync@openssh.com')) return;
  const handle = await client.openFile(folder, OPEN.read).catch(passRefusal);
  if (handle === undefined) return;
  await client.fsync(handle).catch(passRefusal);
  letGo(client, handle);
}

/** For what is good to have and not needed. The end of the connection does not count as a refusal. */
export function passRefusal(error: unknown): undefined {
  if (sftpStatusOf(error) === undefined) throw error;
}
