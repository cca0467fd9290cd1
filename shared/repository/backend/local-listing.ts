/** What lies in the folders of a repository on this machine. Links are followed, to folders and to files. */
import type { Dirent } from 'node:fs';
import { lstat, opendir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import type { StoredFile } from './backend.ts';
import { deadLink, isMisplaced, isPackFolder, mayBeStored } from './dead-link.ts';

export async function* listFiles(root: string, folder: string, signal: AbortSignal): AsyncIterable<StoredFile> {
  for await (const entry of await opendir(path.join(root, folder))) {
    signal.throwIfAborted();
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const name = path.join(folder, entry.name);
    const found = await follow(root, name, entry, mayBeStored(entry.name));
    if (found?.isFile() === true) yield { name: entry.name, sizeBytes: found.size };
  }
}

export async function* listPacks(root: string, signal: AbortSignal): AsyncIterable<StoredFile> {
  for await (const entry of await opendir(path.join(root, 'data'))) {
    if (!(await isFolder(root, entry))) continue;
    for await (const file of listFiles(root, path.join('data', entry.name), signal)) {
      if (!isMisplaced(file.name, entry.name)) yield file;
    }
  }
}

export async function listPackFolders(root: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const folders = new Set<string>();
  for await (const entry of await opendir(path.join(root, 'data'))) {
    signal.throwIfAborted();
    if (isPackFolder(entry.name) && (await isFolder(root, entry))) folders.add(entry.name);
  }
  return folders;
}

async function isFolder(root: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const found = await follow(root, path.join('data', entry.name), entry, isPackFolder(entry.name));
  return found?.isDirectory() === true;
}

/** Undefined where it is gone, or is a dead link in a place where no folder of packs is expected. */
async function follow(root: string, name: string, entry: Dirent, isMissed: boolean) {
  const full = path.join(root, name);
  try {
    return await stat(full);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ELOOP' && code !== 'ENOTDIR') throw error;
    if (!entry.isSymbolicLink() || !isMissed) return undefined;
    // Another process may remove a lock between our two looks.
    const isStillThere = await lstat(full).then(
      () => true,
      () => false,
    );
    if (!isStillThere) return undefined;
    throw deadLink(name, root, await readlink(full).catch(() => undefined), error);
  }
}
