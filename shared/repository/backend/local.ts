/**
 * A repository in a folder of this machine.
 *
 * A file is written under a temporary name in its own folder, flushed to the disk, marked read-only, renamed, and the
 * folder is flushed. A crash before the rename leaves a `…-tmp-…` file that is never read; after it, the file is whole
 * and stays. Packs lie in `data/xx/`, where xx are the first two digits of the name. Layout and modes are restic's.
 * Folders and files may be links to other disks; one that leads nowhere is an error and not an empty folder.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { StillpointError } from '../../base/errors.ts';
import { makeFolders } from '../../base/make-folders.ts';
import type { Backend, BackendProperties, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';
import { describeFile, MOST_WHOLE_BYTES, tooLarge } from './backend.ts';
import { fromFsError } from './fs-errors.ts';
import { listFiles, listPackFolders, listPacks } from './local-listing.ts';
import { lostFolder } from './lost-folder.ts';
import { FOLDERS, refuseForeign, unfitFolder } from './new-place.ts';
import { lookAtFolder, withPlaceSeen } from './place-seen.ts';

/** Only the owner; where the existing `config` lets the group read, the group keeps its access, as with restic. */
const OWNER_ONLY = { folder: 0o700, file: 0o400 };
const WITH_GROUP = { folder: 0o770, file: 0o440 };

/** Opening a FIFO in the place of a file would wait forever. */
const READ_NO_WAIT = constants.O_RDONLY | constants.O_NONBLOCK;

export function createLocalBackend(folder: string): Backend {
  return new LocalBackend(path.resolve(folder));
}

class LocalBackend implements Backend {
  readonly properties: BackendProperties;
  readonly #root: string;
  #modes: Promise<typeof OWNER_ONLY> | undefined;

  constructor(root: string) {
    this.#root = root;
    this.properties = { location: root, connections: 2, hasAtomicSave: true };
  }

  async prepare(signal: AbortSignal): Promise<void> {
    refuseForeign(await readdir(this.#root).catch(() => []), `the folder ${this.#root}`);
    const { folder: mode } = await this.#access();
    const packFolders = Array.from({ length: 256 }, (_, index) => `data/${index.toString(16).padStart(2, '0')}`);
    try {
      for (const name of ['', ...FOLDERS, ...packFolders]) {
        signal.throwIfAborted();
        await makeFolders(path.join(this.#root, name), mode);
      }
      for (const name of ['data', '', '..']) await syncFolder(path.join(this.#root, name));
    } catch (cause) {
      signal.throwIfAborted();
      const doing = `a repository could not be made in ${this.#root}`;
      throw unfitFolder(cause, doing) ?? fromFsError(cause, doing);
    }
  }

  async save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const target = this.#pathOf(file);
    const temporary = `${target}-tmp-${randomBytes(6).toString('hex')}`;
    const modes = await this.#access();
    try {
      await this.#write(temporary, content, modes);
      signal.throwIfAborted();
      await rename(temporary, target);
      await syncFolder(path.dirname(target));
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      signal.throwIfAborted();
      throw fromFsError(cause, `${describeFile(file)} could not be written in ${this.#root}`);
    }
  }

  async #write(temporary: string, content: readonly Uint8Array[], modes: typeof OWNER_ONLY): Promise<void> {
    await using handle = await this.#create(temporary, modes);
    await writeAll(handle, content);
    await handle.chmod(modes.file);
    await handle.sync();
  }

  /** The folder of a pack, or that of locks, may be missing: copies of repositories lose empty folders. */
  async #create(temporary: string, modes: typeof OWNER_ONLY): Promise<FileHandle> {
    try {
      return await open(temporary, 'wx', 0o600);
    } catch (error) {
      const folder = path.dirname(temporary);
      const isEmptied =
        path.dirname(folder) === this.#pathIn('data') ||
        (folder === this.#pathIn('locks') && (await this.#hasConfig()));
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !isEmptied) throw error;
      // Not recursive: a place that is not mounted must not be filled in its mount point.
      await mkdir(folder, { mode: modes.folder }).catch((other: NodeJS.ErrnoException) => {
        if (other.code !== 'EEXIST') throw other;
      });
      await syncFolder(path.dirname(folder));
      return await open(temporary, 'wx', 0o600);
    }
  }

  async load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    try {
      await using handle = await open(this.#pathOf(file), READ_NO_WAIT);
      const found = await handle.stat();
      if (!found.isFile()) throw notAFile(file);
      if (range === undefined && found.size > MOST_WHOLE_BYTES[file.type]) throw tooLarge(file, found.size);
      const { offset, length } = range ?? { offset: 0, length: found.size };
      if (offset + length > found.size) throw shortFile(file, found.size, offset + length);
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        signal.throwIfAborted();
        if (bytesRead === 0) throw shortFile(file, offset + done, offset + length);
        done += bytesRead;
      }
      return bytes;
    } catch (cause) {
      signal.throwIfAborted();
      const error = fromFsError(cause, `${describeFile(file)} could not be read in ${this.#root}`);
      throw await withPlaceSeen(error, file, () => lookAtFolder(this.#root));
    }
  }

  async stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    signal.throwIfAborted();
    try {
      return { name: file.name, sizeBytes: (await stat(this.#pathOf(file))).size };
    } catch (cause) {
      throw fromFsError(cause, `${describeFile(file)} could not be looked up in ${this.#root}`);
    }
  }

  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    if (type === 'config') {
      yield await this.stat({ type, name: '' }, signal);
      return;
    }
    try {
      yield* type === 'data' ? listPacks(this.#root, signal) : listFiles(this.#root, type, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const folder = this.#folderOf(cause, type);
      const error = fromFsError(cause, `the folder "${folder}" could not be listed in ${this.#root}`);
      throw folder === type ? lostFolder(error, type) : error;
    }
  }

  async packFolders(signal: AbortSignal): Promise<ReadonlySet<string>> {
    try {
      return await listPackFolders(this.#root, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw lostFolder(fromFsError(cause, `the folder "data" could not be listed in ${this.#root}`), 'data');
    }
  }

  /** The one that failed, as far as the system says it. */
  #folderOf(cause: unknown, type: FileType): string {
    const { path: failed } = cause as NodeJS.ErrnoException;
    const below = failed === undefined ? '' : path.relative(this.#root, failed);
    return below === '' || below.startsWith('..') ? type : below;
  }

  async remove(file: FileRef, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      const target = this.#pathOf(file);
      await rm(target);
      await syncFolder(path.dirname(target));
    } catch (cause) {
      throw fromFsError(cause, `${describeFile(file)} could not be removed in ${this.#root}`);
    }
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #hasConfig(): Promise<boolean> {
    return stat(this.#pathIn('config')).then(
      () => true,
      () => false,
    );
  }

  #pathIn(...names: readonly string[]): string {
    return path.join(this.#root, ...names);
  }

  #pathOf(file: FileRef): string {
    if (file.type === 'config') return this.#pathIn('config');
    if (file.type === 'data') return this.#pathIn('data', file.name.slice(0, 2), file.name);
    return this.#pathIn(file.type, file.name);
  }

  #access(): Promise<typeof OWNER_ONLY> {
    this.#modes ??= stat(this.#pathIn('config')).then(
      (config) => ((config.mode & 0o040) === 0 ? OWNER_ONLY : WITH_GROUP),
      () => OWNER_ONLY,
    );
    return this.#modes;
  }
}

/** writev in portions, because the system takes at most 1024 pieces at once and may write less than asked. */
async function writeAll(handle: FileHandle, content: readonly Uint8Array[]): Promise<void> {
  const pending = content.filter((piece) => piece.length > 0);
  for (let index = 0; index < pending.length; ) {
    let { bytesWritten } = await handle.writev(pending.slice(index, index + 512));
    while (bytesWritten > 0 && index < pending.length) {
      const piece = pending[index] as Uint8Array;
      if (bytesWritten >= piece.length) index += 1;
      else pending[index] = piece.subarray(bytesWritten);
      bytesWritten -= Math.min(bytesWritten, piece.length);
    }
  }
}

/** A rename is safe against a power cut only once the folder itself is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(folder, 'r');
  await handle.sync().catch((error: NodeJS.ErrnoException) => {
    // Some network file systems cannot flush a folder; they say so with EINVAL.
    if (error.code !== 'EINVAL' && error.code !== 'ENOTSUP') throw error;
  });
}

function notAFile(file: FileRef): StillpointError {
  return new StillpointError('repository.damaged', `What is in place of ${describeFile(file)} is not a file.`, {
    advice: 'It is not read. Look at what is there, and bring the file back from a copy if there is one.',
    cause: undefined,
  });
}

function shortFile(file: FileRef, end: number, wanted: number): StillpointError {
  const name = describeFile(file);
  return new StillpointError('repository.damaged', `The file of ${name} ends at byte ${end}; ${wanted} are needed.`, {
    advice: 'It was cut short. Run "stillpoint check" to see which restore points and files are affected.',
    cause: undefined,
  });
}
