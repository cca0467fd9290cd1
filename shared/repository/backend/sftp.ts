/**
 * A repository in a folder of another host, over SFTP. Layout and modes are restic's.
 *
 * A file is written under a temporary name in its own folder, flushed to the host's disk where the server can do that
 * (`fsync@openssh.com`), and renamed over its final name; then the folder is flushed. A connection that is lost before
 * the rename leaves a `…-tmp-…` file that is never read and that the next save takes away; after it the file is whole.
 * Nothing is made again here: that is for `withRetries` around it, and the next call finds a new connection by itself.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path/posix';
import { abortable } from '../../base/cancel.ts';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { mapWithLimit } from '../../base/limit.ts';
import { openSftp, type SftpAddress, type SftpPorts } from '../../remote/sftp/connect-sftp.ts';
import { OPEN, STATUS } from '../../remote/sftp/packets.ts';
import type { Handle, SftpClient } from '../../remote/sftp/sftp-client.ts';
import { sftpStatusOf } from '../../remote/sftp/sftp-errors.ts';
import type { SftpPool } from '../../remote/sftp/sftp-pool.ts';
import type { Backend, BackendProperties, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';
import { describeFile, MOST_WHOLE_BYTES, tooLarge } from './backend.ts';
import { isPackFolder } from './dead-link.ts';
import type { Throttle } from './limit.ts';
import { lostFolder } from './lost-folder.ts';
import { FOLDERS, NO_FOLDERS_THERE, refuseForeign, unfit } from './new-place.ts';
import { withPlaceSeen } from './place-seen.ts';
import { fromSftp } from './sftp-errors.ts';
import { type ListedPlace, leadsToFolder, listFiles, listPackFolder } from './sftp-listing.ts';
import { lookAtPlace, makeFolder, moveOver, passRefusal, syncFolder } from './sftp-steps.ts';
import { letGo, readContent, readFolder, writeContent } from './sftp-transfer.ts';

export interface SftpPlace {
  readonly host: SftpAddress;
  /** Absolute, or relative to the home folder of the account; empty is the home folder itself. */
  readonly folder: string;
  /** As the user wrote it, for messages. */
  readonly location: string;
  /** How many files move at once; default 5, as with restic. */
  readonly connections?: number;
  /** Asked before each piece. */
  readonly throttle?: Throttle;
  /** How long a request may go without an answer. */
  readonly silenceMs?: number;
}

const DEFAULT_CONNECTIONS = 5;
/** Folders that are listed or made at once, all on one channel. */
const FOLDERS_AT_ONCE = 32;
/** Only the owner; where the existing `config` lets the group read, the group keeps its access, as with restic. */
const OWNER_ONLY = { folder: 0o700, file: 0o400 };
const WITH_GROUP = { folder: 0o770, file: 0o440 };

/**
 * Connects, so that what is wrong with the way there is said at once and is not tried again and again. Errors: `ssh.…`,
 * the signal's reason.
 */
export async function openSftpBackend(place: SftpPlace, ports: SftpPorts, signal: AbortSignal): Promise<Backend> {
  const { host, connections = DEFAULT_CONNECTIONS, silenceMs } = place;
  const files = openSftp(host, ports, { connections, silence: { silenceMs } });
  const backend = createSftpBackend(place, files);
  try {
    await files.use(signal, async () => undefined);
    return backend;
  } catch (error) {
    await backend.close();
    throw error;
  }
}

/** Takes `files` over. */
export function createSftpBackend(place: Omit<SftpPlace, 'host'>, files: SftpPool): Backend {
  return new SftpBackend(place, files);
}

class SftpBackend implements Backend {
  readonly properties: BackendProperties;
  readonly #root: string;
  readonly #files: SftpPool;
  readonly #throttle: Throttle | undefined;
  /** Temporary files of saves that were cut off. */
  readonly #leftovers = new Set<string>();
  #modes: Promise<typeof OWNER_ONLY> | undefined;

  constructor({ folder, location, connections, throttle }: Omit<SftpPlace, 'host'>, files: SftpPool) {
    this.properties = { location, connections: connections ?? DEFAULT_CONNECTIONS, hasAtomicSave: true };
    this.#root = folder === '' ? '.' : path.normalize(folder);
    this.#files = files;
    this.#throttle = throttle;
  }

  prepare(signal: AbortSignal): Promise<void> {
    const doing = `A repository could not be made in ${this.properties.location}`;
    return this.#with(signal, doing, 1, async (client) => {
      refuseForeign(await this.#namesAtTop(client, signal), `the folder ${this.properties.location}`);
      const { folder: mode } = await this.#access(client);
      await this.#makeFolders(client, this.#root, mode).catch((cause: unknown) => {
        throw sftpStatusOf(cause) === STATUS.noSuchFile ? unfit(doing, NO_FOLDERS_THERE, cause) : cause;
      });
      await mapWithLimit(FOLDERS, FOLDERS.length, (name) => makeFolder(client, this.#pathIn(name), mode));
      await mapWithLimit(packFolders(), FOLDERS_AT_ONCE, async (name) => {
        signal.throwIfAborted();
        await makeFolder(client, this.#pathIn('data', name), mode);
      });
      for (const name of ['data', '', '..']) await syncFolder(client, this.#pathIn(name));
    });
  }

  save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const target = this.#pathOf(file);
    const temporary = `${target}-tmp-${randomBytes(6).toString('hex')}`;
    const size = content.reduce((sum, piece) => sum + piece.length, 0);
    return this.#with(signal, this.#could(file, 'written'), size + 1, async (client) => {
      const modes = await this.#access(client);
      try {
        const handle = await this.#create(client, temporary, modes.folder);
        try {
          await writeContent(content, { client, handle, throttle: this.#throttle, signal });
          // Where modes cannot be set, the file stays as it was made: for the owner alone.
          await client.setMode(handle, modes.file).catch(passRefusal);
          if (client.has('fsync@openssh.com')) await client.fsync(handle);
        } finally {
          // The answer counts: some file systems tell only now that there was no room.
          await client.close(handle);
        }
        signal.throwIfAborted();
        await moveOver(client, temporary, target, content);
      } catch (error) {
        await client.remove(temporary).catch((failure: unknown) => {
          // No answer: the connection is gone, and the file may be there.
          if (sftpStatusOf(failure) === undefined) this.#leftovers.add(temporary);
        });
        throw error;
      }
      await syncFolder(client, path.dirname(target));
      await this.#tidy(client);
    });
  }

  load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    return this.#with(signal, this.#could(file, 'read'), 0, async (client) => {
      const handle = await client.openFile(this.#pathOf(file), OPEN.read);
      try {
        const offset = range?.offset ?? 0;
        const length = range?.length ?? (await client.statHandle(handle)).sizeBytes ?? 0;
        if (range === undefined && length > MOST_WHOLE_BYTES[file.type]) throw tooLarge(file, length);
        const move = { client, handle, throttle: this.#throttle, signal };
        const [bytes, came] = await readContent(offset, length, move);
        if (came < length) throw shortFile(file, offset + came, offset + length);
        return bytes;
      } finally {
        letGo(client, handle);
      }
    }).catch(async (error: unknown) => {
      const look = () => this.#files.use(signal, (client) => lookAtPlace(client, this.#root, signal));
      throw await withPlaceSeen(error, file, look);
    });
  }

  stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    return this.#with(signal, this.#could(file, 'found'), 0, async (client) => {
      const { sizeBytes = 0 } = await client.stat(this.#pathOf(file));
      return { name: file.name, sizeBytes };
    });
  }

  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    if (type === 'config') {
      yield await this.stat({ type, name: '' }, signal);
      return;
    }
    const doing = `The folder "${type}" could not be listed in ${this.properties.location}`;
    const within = <T>(work: (client: SftpClient) => Promise<T>): Promise<T> => this.#with(signal, doing, 0, work);
    const top = await within((client) => readFolder(client, this.#pathIn(type), signal)).catch((error: unknown) => {
      throw lostFolder(error, type);
    });
    if (type !== 'data') {
      yield* await within((client) => listFiles(this.#place(client, signal), type, top));
      return;
    }
    // No channel is held while the caller works on what it got: it may call us, and we may have but one.
    for (let start = 0; start < top.length; start += FOLDERS_AT_ONCE) {
      const some = top.slice(start, start + FOLDERS_AT_ONCE);
      const found = await within((client) =>
        mapWithLimit(some, FOLDERS_AT_ONCE, (entry) => listPackFolder(this.#place(client, signal), entry)),
      );
      for (const files of found) yield* files;
    }
  }

  packFolders(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const doing = `The folder "data" could not be listed in ${this.properties.location}`;
    return this.#with(signal, doing, 0, async (client) => {
      const entries = await readFolder(client, this.#pathIn('data'), signal);
      const place = this.#place(client, signal);
      const named = entries.filter(({ name }) => isPackFolder(name));
      const folders = await mapWithLimit(named, FOLDERS_AT_ONCE, async (entry) =>
        (await leadsToFolder(place, entry)) ? entry.name : undefined,
      );
      return new Set(folders.filter((name) => name !== undefined));
    });
  }

  remove(file: FileRef, signal: AbortSignal): Promise<void> {
    return this.#with(signal, this.#could(file, 'removed'), 0, async (client) => {
      const target = this.#pathOf(file);
      await client.remove(target);
      await syncFolder(client, path.dirname(target));
    });
  }

  async close(): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ends with the signal at once; what is under way then cleans up behind us, and holds its place until it has. */
  async #with<T>(
    signal: AbortSignal,
    doing: string,
    neededBytes: number,
    work: (client: SftpClient) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const done = this.#files.use(signal, async (client) => {
      try {
        return await work(client);
      } catch (cause) {
        signal.throwIfAborted();
        throw await fromSftp(cause, client, { doing, folder: this.#root, neededBytes });
      }
    });
    return await abortable(done, signal);
  }

  /** The folder of a pack, or that of locks, may be missing: copies of repositories lose empty folders. */
  async #create(client: SftpClient, temporary: string, folderMode: number): Promise<Handle> {
    const flags = OPEN.write | OPEN.create | OPEN.exclusive;
    try {
      return await client.openFile(temporary, flags, 0o600);
    } catch (error) {
      const folder = path.dirname(temporary);
      const hasConfig = (): Promise<boolean> =>
        client.stat(this.#pathIn('config')).then(
          () => true,
          () => false,
        );
      const isEmptied =
        path.dirname(folder) === this.#pathIn('data') || (folder === this.#pathIn('locks') && (await hasConfig()));
      if (sftpStatusOf(error) !== STATUS.noSuchFile || !isEmptied) throw error;
      // Only this one: a place that is not mounted must not be filled in its mount point.
      await makeFolder(client, folder, folderMode);
      await syncFolder(client, path.dirname(folder));
      return await client.openFile(temporary, flags, 0o600);
    }
  }

  /** None where the folder is not there, or may be used and not looked into. */
  async #namesAtTop(client: SftpClient, signal: AbortSignal): Promise<readonly string[]> {
    try {
      return (await readFolder(client, this.#root, signal)).map(({ name }) => name);
    } catch (error) {
      if (sftpStatusOf(error) === undefined) throw error;
      return [];
    }
  }

  async #makeFolders(client: SftpClient, folder: string, mode: number): Promise<void> {
    const above = path.dirname(folder);
    try {
      await makeFolder(client, folder, mode);
    } catch (error) {
      if (sftpStatusOf(error) !== STATUS.noSuchFile || above === folder) throw error;
      await this.#makeFolders(client, above, mode);
      await makeFolder(client, folder, mode);
    }
  }

  #place(client: SftpClient, signal: AbortSignal): ListedPlace {
    return { client, root: this.#root, location: this.properties.location, signal };
  }

  async #tidy(client: SftpClient): Promise<void> {
    for (const leftover of this.#leftovers) {
      this.#leftovers.delete(leftover);
      await client.remove(leftover).catch(() => undefined);
    }
  }

  #could(file: FileRef, done: string): string {
    const what = describeFile(file);
    return `${what.slice(0, 1).toUpperCase()}${what.slice(1)} could not be ${done} in ${this.properties.location}`;
  }

  #access(client: SftpClient): Promise<typeof OWNER_ONLY> {
    this.#modes ??= client.stat(this.#pathIn('config')).then(
      ({ mode = 0 }) => ((mode & 0o040) === 0 ? OWNER_ONLY : WITH_GROUP),
      (error: unknown) => {
        this.#modes = undefined;
        if (isStillpointError(error)) throw error;
        return OWNER_ONLY;
      },
    );
    return this.#modes;
  }

  #pathIn(...names: readonly string[]): string {
    return path.join(this.#root, ...names);
  }

  #pathOf(file: FileRef): string {
    if (file.type === 'config') return this.#pathIn('config');
    if (file.type === 'data') return this.#pathIn('data', file.name.slice(0, 2), file.name);
    return this.#pathIn(file.type, file.name);
  }
}

function packFolders(): string[] {
  return Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, '0'));
}

function shortFile(file: FileRef, end: number, wanted: number): StillpointError {
  const name = describeFile(file);
  return new StillpointError('repository.damaged', `The file of ${name} ends at byte ${end}; ${wanted} are needed.`, {
    advice: 'It was cut short. Run "stillpoint check" to see which restore points and files are affected.',
    cause: undefined,
  });
}
