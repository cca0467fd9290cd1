/**
 * The files of an archive: the archive itself, its manifest, and checksums of both for sha256sum(1). They have their names
 * when all is proved, the archive last; until then each has one that nobody takes for whole.
 */
import { randomBytes } from 'node:crypto';
import { access, constants, link, lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StillpointError } from '../../base/errors.ts';
import type { ArchiveTarget } from '../../domain/verbs/export.ts';

const SUFFIXES = { manifest: '.manifest.jsonl', checksums: '.sha256' } as const;

export class ArchivePlace {
  readonly file: string;
  readonly work: string;
  readonly #overwrite: boolean;

  constructor({ file, overwrite = false }: ArchiveTarget) {
    this.file = file;
    this.work = `${file}.incomplete-${randomBytes(4).toString('hex')}`;
    this.#overwrite = overwrite;
  }

  get manifest(): string {
    return `${this.file}${SUFFIXES.manifest}`;
  }

  get checksums(): string {
    return `${this.file}${SUFFIXES.checksums}`;
  }

  /** What the work of this run may have left. */
  get workFiles(): readonly string[] {
    return [this.work, `${this.work}.again`, `${this.work}${SUFFIXES.manifest}`, `${this.work}${SUFFIXES.checksums}`];
  }

  workOf(part: keyof typeof SUFFIXES): string {
    return `${this.work}${SUFFIXES[part]}`;
  }

  /** Looks, and changes nothing. Errors: `export.target`. */
  async require(): Promise<void> {
    const { file } = this;
    if (!file.startsWith('/') || file.includes('\0') || file.includes('\n'))
      throw refused(file, 'it is no absolute path in one line');
    if (!file.endsWith('.tar.zst'))
      throw refused(
        file,
        'it does not end with ".tar.zst", by which programs know what it is',
        `Name it "${file.replace(/(?:\.tar(?:\.[a-z0-9]+)?|\.tgz|\.zst)$/, '')}.tar.zst".`,
      );
    await access(dirname(file), constants.W_OK | constants.X_OK).catch((error: unknown) => {
      throw explain(file, error);
    });
    const repository = await repositoryAround(await realpath(dirname(file)));
    if (repository !== undefined) {
      const advice = 'Files there would disturb the repository. Choose a folder outside of it.';
      throw refused(file, `it lies inside a repository ("${repository}")`, advice);
    }
    for (const path of [file, this.manifest, this.checksums]) {
      const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw explain(file, error);
      });
      if (found === undefined) continue;
      if (!this.#overwrite) throw isThere(path);
      if (!found.isFile()) throw refused(path, 'it is there and is no file');
    }
  }

  /** Gives all three their names. What came there meanwhile stays, and the archive gets no name then. */
  async publish(): Promise<void> {
    const given: string[] = [];
    const give = async (from: string, to: string): Promise<void> => {
      await this.#give(from, to);
      if (!this.#overwrite) given.push(to);
    };
    try {
      await give(this.workOf('manifest'), this.manifest);
      await give(this.workOf('checksums'), this.checksums);
      await give(this.work, this.file);
    } catch (error) {
      for (const path of given) await rm(path, { force: true });
      throw error;
    }
    await using folder = await open(dirname(this.file), 'r');
    await folder.sync().catch(() => undefined);
  }

  /** Whether nothing of the work is left. */
  async drop(): Promise<boolean> {
    const removed = await Promise.allSettled(this.workFiles.map((path) => rm(path, { force: true })));
    return removed.every(({ status }) => status === 'fulfilled');
  }

  /** In the form of sha256sum(1), which escapes a backslash in a name, and says so before the sum. */
  checksumLines(sums: { readonly archive: string; readonly manifest: string }): string {
    const line = (sum: string, path: string): string => {
      const name = basename(path);
      const escaped = name.replaceAll('\\', '\\\\');
      return `${escaped === name ? '' : '\\'}${sum}  ${escaped}\n`;
    };
    return line(sums.archive, this.file) + line(sums.manifest, this.manifest);
  }

  async #give(from: string, to: string): Promise<void> {
    try {
      if (this.#overwrite) return await rename(from, to);
      await link(from, to);
      await rm(from);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw isThere(to);
      // A file system without hard links; nobody else writes to these names but by the same accident.
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw explain(this.file, error);
      if (
        await lstat(to).then(
          () => true,
          () => false,
        )
      )
        throw isThere(to);
      await rename(from, to);
    }
  }
}

function isThere(path: string): StillpointError {
  return refused(path, 'there is something of that name', 'Choose another name, or have it replaced with --overwrite.');
}

/** The folder of the repository that a folder is in, or is. */
async function repositoryAround(folder: string): Promise<string | undefined> {
  const has = await Promise.allSettled(
    ['config', 'data', 'index', 'keys', 'snapshots'].map((name) => lstat(join(folder, name))),
  );
  if (has.every(({ status }) => status === 'fulfilled')) return folder;
  return dirname(folder) === folder ? undefined : await repositoryAround(dirname(folder));
}

function refused(path: string, why: string, advice = 'Choose another file.', cause?: unknown): StillpointError {
  return new StillpointError('export.target', `"${path}" cannot be exported to: ${why}.`, {
    advice,
    details: { path },
    cause,
  });
}

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['there is no room left', 'Make room, or choose another disk.'],
  EDQUOT: ['there is no room left for this user', 'Make room, or choose another disk.'],
  EFBIG: ['its file system holds no file that large', 'Choose another file system.'],
  ENOENT: ['its folder does not exist', 'Make the folder, or choose another one.'],
  ENOTDIR: ['its folder is none', 'Choose another folder.'],
  EACCES: ['its folder cannot be written to', 'Choose another folder, or export as a user who may write there.'],
  EPERM: ['its folder cannot be written to', 'Choose another folder, or export as a user who may write there.'],
  EROFS: ['its file system is read-only', 'Choose another folder.'],
};

export function explain(file: string, error: unknown): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const [why, advice] = REASONS[code] ?? [message, 'See to it, and export again.'];
  return code === '' ? error : refused(file, why, advice, error);
}
