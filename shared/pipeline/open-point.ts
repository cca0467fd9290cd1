/**
 * A restore point as a file system to be read: what is at a path, what is in a folder, any part of a file. Names are
 * bytes, as they are stored; `shown-path.ts` leads from what people see to them.
 *
 * A folder comes in parts and a file in windows, and each only when the one before was taken, so neither their size nor
 * a reader that stalls takes more memory than a few of them. The index must have been loaded.
 *
 * Every error that is about what is read says of which restore point, and at which path. What is wrong with the store
 * or the connection is not about either, and stays as it is.
 *
 * Who goes through many restore points and only counts what they name (`stats.ts`), and who writes trees and contents
 * to another place in the order in which they are stored (`restore/walk.ts`, `copy/`), reads by the port below this one.
 */
import { displayName } from '../base/bytes.ts';
import { invariant, isStillpointError, StillpointError } from '../base/errors.ts';
import { mapAhead } from '../base/limit.ts';
import type { BlobId } from '../repository/ids.ts';
import type { Node, NodeType } from '../repository/node.ts';
import type { PointReader } from '../repository/point-reader.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { loadWindow, WINDOWS_AHEAD, type Window, windowsOf } from './blob-window.ts';

/** From the top; none is the top itself. */
export type PointPath = readonly Buffer[];

export interface PointPlace {
  /** Undefined for the top, which has no entry of its own. */
  readonly node: Node | undefined;
  /** Leads to what is in it; undefined for what is not a folder. */
  readonly tree: BlobId | undefined;
}

export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** A path for an error: of a deep folder it is long, and hardly ever wanted. */
type ShownLate = () => string;

type Reader = Pick<PointReader, 'treeParts' | 'blobSize' | 'loadBlob' | 'loadBlobs'>;

export class OpenedPoint {
  readonly point: RestorePoint;
  readonly #reader: Reader;

  constructor(reader: Reader, point: RestorePoint) {
    this.#reader = reader;
    this.point = point;
  }

  /** Reads one folder for each name. Errors: `repository.path-not-found`, `repository.damaged`. */
  async stat(path: PointPath, signal: AbortSignal): Promise<PointPlace> {
    let place: PointPlace = { node: undefined, tree: this.point.tree };
    for (const [depth, name] of path.entries()) {
      const node = place.tree && (await this.#findIn(place.tree, name, () => shownPath(path.slice(0, depth)), signal));
      if (node === undefined) throw this.notThere(shownPath(path), displayName(name), place.node);
      place = { node, tree: node.subtree };
    }
    return place;
  }

  async #findIn(tree: BlobId, name: Buffer, shown: ShownLate, signal: AbortSignal): Promise<Node | undefined> {
    for await (const nodes of this.entries(tree, shown, signal)) {
      const found = nodes.find((node) => node.name.equals(name));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What is in a folder, in the order of the bytes of the names, in parts; of anything else, itself. */
  async *list(path: PointPath, signal: AbortSignal): AsyncGenerator<readonly Node[], void, void> {
    yield* this.listAt(await this.stat(path, signal), () => shownPath(path), signal);
  }

  /** As `list`, for a place that was found. `shown` is its path, for errors. */
  async *listAt(
    { node, tree }: PointPlace,
    shown: ShownLate,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Node[], void, void> {
    if (tree !== undefined) yield* this.entries(tree, shown, signal);
    else if (node !== undefined) yield [node];
  }

  /** For walks: the entries of a folder that was met on the way. `shown` is its path, for errors. */
  async *entries(tree: BlobId, shown: ShownLate, signal: AbortSignal): AsyncGenerator<readonly Node[], void, void> {
    try {
      yield* this.#reader.treeParts(tree, signal);
    } catch (error) {
      throw this.#located(error, shown());
    }
  }

  /**
   * The bytes of a file from `offset` on, in order; fewer where the file ends before. What comes must not be changed.
   * Errors: `repository.path-not-found`, `repository.damaged`, `usage.invalid` for what is not a file.
   */
  async *read(path: PointPath, range: FileRange, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    const { offset, length } = range;
    invariant(isSize(offset) && isSize(length), 'a part of a file begins and ends at whole bytes');
    const { node } = await this.stat(path, signal);
    if (node?.type !== 'file') throw this.#notAFile(shownPath(path));
    try {
      yield* this.#content(node.content ?? [], range, signal);
    } catch (error) {
      throw this.#located(error, shownPath(path));
    }
  }

  async *#content(
    content: readonly BlobId[],
    { offset, length }: FileRange,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void, void> {
    const end = offset + length;
    let first = 0;
    let at = 0;
    for (const id of content) {
      const size = this.#sizeOf(id);
      if (at + size > offset) break;
      at += size;
      first += 1;
    }
    const load = async (ids: readonly BlobId[]): Promise<[readonly BlobId[], Window]> => [
      ids,
      await loadWindow(this.#reader, ids, signal),
    ];
    const windows = windowsOf(this.#reader, this.#until(end, content, first, at));
    for await (const [ids, window] of mapAhead(windows, WINDOWS_AHEAD, load)) {
      for (const id of ids) {
        const blob = window.get(id);
        if (!Buffer.isBuffer(blob)) throw blob ?? lacking(id);
        yield blob.subarray(Math.max(0, offset - at), end - at);
        at += blob.length;
      }
    }
  }

  /** The blobs from the `first` on, which begins at `at`. */
  *#until(end: number, content: readonly BlobId[], first: number, at: number): Generator<BlobId, void, void> {
    let next = at;
    for (let index = first; index < content.length && next < end; index += 1) {
      const id = content[index] as BlobId;
      next += this.#sizeOf(id);
      yield id;
    }
  }

  #sizeOf(id: BlobId): number {
    const size = this.#reader.blobSize('data', id);
    if (size === undefined) throw lacking(id);
    return size;
  }

  /** `missing` is the name on the path that is not there. */
  /** @param above what should hold it; undefined for the top */
  notThere(path: string, missing: string, above: Node | undefined): StillpointError {
    const message = `The restore point ${this.#id} does not hold "${displayName(Buffer.from(path))}".`;
    const isNoFolder = above !== undefined && above.subtree === undefined;
    return new StillpointError('repository.path-not-found', message, {
      advice: isNoFolder
        ? noFolder(above)
        : `"${displayName(Buffer.from(missing))}" is not there. List the folder that should hold it to see what is.${PATTERN.test(missing) ? ' Names are taken as they are; "stillpoint find" takes patterns.' : ''}`,
      details: { path, missing },
      cause: undefined,
    });
  }

  #notAFile(shown: string): StillpointError {
    return new StillpointError('usage.invalid', `"${shown}" of the restore point ${this.#id} is not a file.`, {
      advice: 'Only files have content. List it to see what it is.',
      details: { path: shown },
      cause: undefined,
    });
  }

  #located(error: unknown, shown: string): unknown {
    if (!isStillpointError(error, 'repository.damaged')) return error;
    const place = `"${shown}" of the restore point ${this.#id}`;
    return new StillpointError(error.code, `${place} cannot be read. ${error.message}`, {
      advice: error.advice,
      details: { ...error.details, restorePoint: this.point.id, path: shown },
      cause: error,
      retry: error.retry,
    });
  }

  get #id(): string {
    return this.point.id.slice(0, 8);
  }
}

/** As `ls` and `find` show it. */
export function shownPath(path: PointPath): string {
  return `/${path.map(displayName).join('/')}`;
}

function isSize(bytes: number): boolean {
  return Number.isSafeInteger(bytes) && bytes >= 0;
}

function lacking(id: BlobId): StillpointError {
  return new StillpointError('repository.damaged', `The repository lacks its blob ${id.slice(0, 8)}.`, {
    advice: 'Run "stillpoint check" to see which restore points and files are affected.',
    details: { id },
    cause: undefined,
  });
}

const PATTERN = /[*?[]/;

/** Nothing is below it. Links are not followed: where they lead is another path of the restore point, or none of it. */
function noFolder({ name, type, linkTarget }: Node): string {
  const shown = displayName(name);
  if (type === 'dir') return `What was in the folder "${shown}" is not in the restore point.`;
  if (type !== 'symlink') return `"${shown}" is ${type === 'file' ? 'a file' : KIND[type]}, so nothing is below it.`;
  const leads = linkTarget === undefined ? '' : ` to "${displayName(linkTarget)}"`;
  return `"${shown}" is a symbolic link${leads}, which is not followed: name the path that it leads to.`;
}

const KIND: Readonly<Record<Exclude<NodeType, 'file' | 'dir' | 'symlink'>, string>> = {
  dev: 'a block device',
  chardev: 'a character device',
  fifo: 'a pipe',
  socket: 'a socket',
  irregular: 'nothing that is known',
};
