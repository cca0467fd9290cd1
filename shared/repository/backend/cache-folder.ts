/**
 * Cached files, each with the SHA-256 of its content, by which alone it is believed. Everything in the folder may be
 * taken away at any time, by us, by other processes or by hand, and is then fetched again.
 *
 * A file is written under a name of its own and renamed, so several processes may write the same one; what a crash
 * leaves is a file that is not read until it is the oldest. Nothing is flushed to the disk: a file that a power cut
 * spoils does not match its sum. What goes wrong in here is never reported as an error, it only costs time; so nothing
 * in the folder may be waited for, as opening a FIFO would.
 */
import { hash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, opendir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../base/log.ts';
import { makeFolders } from '../../base/make-folders.ts';

const SUM_BYTES = 32;
const READ_NO_WAIT = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
/** The time of a file is when it was last needed, to within this: writing it at each reading would cost more. */
const TOUCH_AFTER_MS = 3600_000;
/** How much is left when the folder was found too large, as a part of what it may hold. */
const KEPT_PART = 0.8;
/** What tells backup programs to leave a folder out. */
const TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n# Copies of parts of a repository. They may be deleted.\n';

export class CacheFolder {
  readonly #root: string;
  readonly #maxBytes: number;
  readonly #logger: Logger;
  /** Since the folder was last looked through; it is looked through when it is first written to. */
  #writtenBytes = Number.POSITIVE_INFINITY;
  #trimming: Promise<void> = Promise.resolve();

  constructor(root: string, maxBytes: number, logger: Logger) {
    this.#root = root;
    this.#maxBytes = maxBytes;
    this.#logger = logger;
  }

  /** @param name a relative path */
  async read(name: string): Promise<Buffer | undefined> {
    const target = path.join(this.#root, name);
    try {
      await using file = await open(target, READ_NO_WAIT);
      const found = await file.stat();
      const isUsable = found.isFile() && found.size <= this.#maxBytes;
      const body = isUsable ? await bodyOf(file) : undefined;
      if (body !== undefined) {
        await touch(file, found);
        return body;
      }
      this.#logger.log('debug', 'a cached file is damaged and is fetched again', { name });
      await this.drop(name);
    } catch (error) {
      this.#tell(error);
    }
    return undefined;
  }

  async write(name: string, content: readonly Uint8Array[]): Promise<void> {
    const body = Buffer.concat(content);
    if (body.length > this.#maxBytes / 4) return;
    const target = path.join(this.#root, name);
    const temporary = `${target}-${randomBytes(6).toString('hex')}`;
    try {
      await this.#makeRoot();
      await makeFolders(path.dirname(target), 0o700);
      await writeFile(temporary, [hash('sha256', body, 'buffer'), body], { flag: 'wx', mode: 0o600 });
      await rename(temporary, target);
      this.#count(body.length);
    } catch (error) {
      this.#tell(error);
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  /** A file, or a folder with all that is in it. */
  async drop(name: string): Promise<void> {
    await rm(path.join(this.#root, name), { recursive: true, force: true }).catch((error: unknown) =>
      this.#tell(error),
    );
  }

  /** What is in a folder; nothing where there is none. */
  async names(folder: string): Promise<string[]> {
    return await readdir(path.join(this.#root, folder)).catch((error: unknown) => {
      this.#tell(error);
      return [];
    });
  }

  /** When the work in the background is over. */
  settled(): Promise<void> {
    return this.#trimming;
  }

  #count(bytes: number): void {
    this.#writtenBytes += bytes;
    if (this.#writtenBytes < this.#maxBytes / 10) return;
    this.#writtenBytes = 0;
    this.#trimming = this.#trimming.then(() => this.#trim()).catch((error: unknown) => this.#tell(error));
  }

  /** Takes away what was not needed for longest. */
  async #trim(): Promise<void> {
    const files: { readonly file: string; readonly bytes: number; readonly usedMs: number }[] = [];
    let total = 0;
    for await (const entry of await opendir(this.#root, { recursive: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const found = await stat(file).catch(() => undefined);
      if (found === undefined) continue;
      total += found.size;
      files.push({ file, bytes: found.size, usedMs: found.mtimeMs });
    }
    if (total <= this.#maxBytes) return;
    for (const { file, bytes } of files.toSorted((left, right) => left.usedMs - right.usedMs)) {
      if (total <= this.#maxBytes * KEPT_PART) return;
      await rm(file, { force: true });
      total -= bytes;
    }
  }

  async #makeRoot(): Promise<void> {
    if (Number.isFinite(this.#writtenBytes)) return;
    await makeFolders(this.#root, 0o700);
    await writeFile(path.join(this.#root, 'CACHEDIR.TAG'), TAG, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }

  #tell(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') this.#logger.log('debug', 'the cache folder cannot be used', { error });
  }
}

/** What a file holds, if its sum is right. */
async function bodyOf(file: FileHandle): Promise<Buffer | undefined> {
  const content = await file.readFile();
  const sum = content.subarray(0, SUM_BYTES);
  // Memory of its own size, because parts of it are kept for long.
  const body = Buffer.from(content.subarray(SUM_BYTES));
  return hash('sha256', body, 'buffer').equals(sum) ? body : undefined;
}

async function touch(file: FileHandle, { mtimeMs }: { readonly mtimeMs: number }): Promise<void> {
  const now = Date.now();
  if (now - mtimeMs > TOUCH_AFTER_MS) await file.utimes(now / 1000, now / 1000);
}
