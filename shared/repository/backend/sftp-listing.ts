/** What lies in the folders of a repository on another host. Links are followed, to folders and to files. */
import path from 'node:path/posix';
import { mapWithLimit } from '../../base/limit.ts';
import { type Attributes, isFile, isFolder, isLink, STATUS } from '../../remote/sftp/packets.ts';
import type { FolderEntry, SftpClient } from '../../remote/sftp/sftp-client.ts';
import { sftpStatusOf } from '../../remote/sftp/sftp-errors.ts';
import type { StoredFile } from './backend.ts';
import { deadLink, isMisplaced, isPackFolder, mayBeStored } from './dead-link.ts';
import { readFolder } from './sftp-transfer.ts';

export interface ListedPlace {
  readonly client: SftpClient;
  readonly root: string;
  /** As the user wrote it, for messages. */
  readonly location: string;
  readonly signal: AbortSignal;
}

/** Looks at what a listing does not tell: attributes that a server left out, and where links lead. So many at once. */
const LOOKS_AT_ONCE = 32;

/** Regular files with their sizes. */
export async function listFiles(
  place: ListedPlace,
  folder: string,
  entries: readonly FolderEntry[],
): Promise<StoredFile[]> {
  const looked = await mapWithLimit(entries, LOOKS_AT_ONCE, async (entry): Promise<StoredFile | undefined> => {
    const found = await look(place, folder, entry, mayBeStored(entry.name));
    return found !== undefined && isFile(found) ? { name: entry.name, sizeBytes: found.sizeBytes ?? 0 } : undefined;
  });
  return looked.filter((file) => file !== undefined);
}

/** Nothing where the entry is not a folder. */
export async function listPackFolder(place: ListedPlace, entry: FolderEntry): Promise<StoredFile[]> {
  if (!(await leadsToFolder(place, entry))) return [];
  const { client, root, signal } = place;
  const folder = `data/${entry.name}`;
  const files = await listFiles(place, folder, await readFolder(client, path.join(root, folder), signal));
  return files.filter(({ name }) => !isMisplaced(name, entry.name));
}

export async function leadsToFolder(place: ListedPlace, entry: FolderEntry): Promise<boolean> {
  const found = await look(place, 'data', entry, isPackFolder(entry.name));
  return found !== undefined && isFolder(found);
}

/** Undefined where it is gone, or is a dead link in a place where no folder of packs is expected. */
async function look(
  { client, root, location }: ListedPlace,
  folder: string,
  entry: FolderEntry,
  isMissed: boolean,
): Promise<Attributes | undefined> {
  if (entry.mode !== undefined && entry.sizeBytes !== undefined && !isLink(entry)) return entry;
  const name = path.join(folder, entry.name);
  const full = path.join(root, name);
  try {
    return await client.stat(full);
  } catch (error) {
    // OpenSSH has no word of its own for a link that leads to itself.
    const mayBeDead = sftpStatusOf(error) === STATUS.noSuchFile || sftpStatusOf(error) === STATUS.failure;
    if (!mayBeDead) throw error;
    const link = await client.lstat(full).catch(() => undefined);
    if (link === undefined || (isLink(link) && !isMissed)) return undefined;
    if (isLink(link)) throw deadLink(name, location, undefined, error);
    throw error;
  }
}
