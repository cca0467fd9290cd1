/**
 * Content into data blobs: a file up to 1 MiB is one blob, a larger one is cut at every MiB, so that a changed block of
 * a database or disk image costs one blob and the host's own sha256sum of an aligned piece is the blob's id.
 * Holes of a sparse file become blobs of zeros without a byte being sent. A MiB of zeros is two blobs of the length that restic
 * gives to zeros: it makes holes of no others (`restore --sparse`).
 */

import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { RepositoryWriter, SavedBlob } from '../../repository/repository.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { expandSparse } from '../../tar/sparse.ts';
import type { FilePart } from '../resume/file-part.ts';

export const CHUNK_BYTES = 1024 * 1024;
/** The smallest piece that restic cuts, and so the one that it cuts zeros into. */
export const ZERO_BYTES = 512 * 1024;
const PART_BYTES = 4 * CHUNK_BYTES;
const ZEROS_IN_CHUNK = CHUNK_BYTES / ZERO_BYTES;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** Stores files one after the other; knows the blob of zeros after it met one. */
export class ContentStore {
  readonly #writer: RepositoryWriter;
  #zeros: BlobId | undefined;

  constructor(writer: RepositoryWriter) {
    this.#writer = writer;
  }

  /**
   * Resolves when the content is read and handed over; `ids` when all of it is hashed and packed.
   * @param onBytes called with the size of content as it comes, holes included
   * @param onPart called after each part of a file that is longer than one
   */
  async store(
    entry: TarEntry,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
    onPart?: (part: Promise<FilePart>) => void,
  ): Promise<{ readonly ids: Promise<readonly BlobId[]>; readonly bytes: number }> {
    const pending: (BlobId | Promise<SavedBlob>)[] = [];
    const chunks = new Chunks(entry.size, async (data) => {
      if (ZEROS.equals(data)) {
        pending.push(...(await this.#chunkOfZeros(signal)));
        return;
      }
      const { saved } = await this.#writer.put('data', data, signal);
      // A failure shows in `ids`, or in the next put; it must not be an unhandled rejection before that.
      saved.catch(() => undefined);
      pending.push(saved);
    });
    let told = { pieces: 0, endsAt: 0 };
    for await (const event of expandSparse(entry)) {
      if (event.kind === 'data') await chunks.add(event.data);
      else await this.#hole(event.length, chunks, pending, signal);
      const endsAt = chunks.total - (chunks.total % CHUNK_BYTES);
      if (onPart !== undefined && endsAt - told.endsAt >= PART_BYTES) {
        const part = settle(pending.slice(told.pieces)).then((ids) => ({ ids, endsAt }));
        // Whoever does not wait for it must not be ended by its failure, which shows in `ids`.
        part.catch(() => undefined);
        onPart(part);
        told = { pieces: pending.length, endsAt };
      }
      onBytes(event.kind === 'data' ? event.data.length : event.length);
    }
    await chunks.end();
    if (chunks.total !== entry.size) throw wrongSize(entry, chunks.total);
    return { ids: settle(pending), bytes: entry.storedSize };
  }

  /** A stream of which nobody knows the length, cut where its content says so. */
  async storeStream(
    content: AsyncIterable<Uint8Array>,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<{ readonly ids: Promise<readonly BlobId[]>; readonly bytes: number }> {
    const pending: Promise<SavedBlob>[] = [];
    let bytes = 0;
    for await (const piece of this.#writer.cut(content)) {
      const { length } = piece;
      const { saved } = await this.#writer.put('data', piece, signal);
      saved.catch(() => undefined);
      pending.push(saved);
      bytes += length;
      onBytes(length);
    }
    return { ids: settle(pending), bytes };
  }

  async #chunkOfZeros(signal: AbortSignal): Promise<readonly BlobId[]> {
    this.#zeros ??= (await (await this.#writer.put('data', new Uint8Array(ZERO_BYTES), signal)).saved).id;
    return Array.from({ length: ZEROS_IN_CHUNK }, () => this.#zeros as BlobId);
  }

  async #hole(
    length: number,
    chunks: Chunks,
    pending: (BlobId | Promise<SavedBlob>)[],
    signal: AbortSignal,
  ): Promise<void> {
    let left = length;
    while (left > 0) {
      if (chunks.atBoundary && left >= CHUNK_BYTES) {
        pending.push(...(await this.#chunkOfZeros(signal)));
        chunks.skip(CHUNK_BYTES);
        left -= CHUNK_BYTES;
      } else {
        left -= await chunks.addZeros(left);
      }
    }
  }
}

/** Gathers bytes into pieces of 1 MiB, each in a buffer of its own that may be handed to another thread. */
class Chunks {
  readonly #flush: (data: Uint8Array) => Promise<void>;
  readonly #size: number;
  #current: Buffer = Buffer.alloc(0);
  #filled = 0;
  total = 0;

  constructor(size: number, flush: (data: Uint8Array) => Promise<void>) {
    this.#size = size;
    this.#flush = flush;
  }

  get atBoundary(): boolean {
    return this.#filled === 0;
  }

  skip(bytes: number): void {
    this.total += bytes;
  }

  async add(data: Buffer): Promise<void> {
    let position = 0;
    while (position < data.length) {
      const taken = Math.min(this.#room(), data.length - position);
      data.copy(this.#current, this.#filled, position, position + taken);
      position += taken;
      await this.#advance(taken);
    }
  }

  /** Adds up to `length` zeros, at most to the end of the piece; returns how many. */
  async addZeros(length: number): Promise<number> {
    const taken = Math.min(this.#room(), length);
    this.#current.fill(0, this.#filled, this.#filled + taken);
    await this.#advance(taken);
    return taken;
  }

  async end(): Promise<void> {
    if (this.#filled > 0) await this.#emit();
  }

  /** The last piece is no larger than what the file still has, so that small files take small buffers. */
  #room(): number {
    if (this.#filled === 0)
      this.#current = Buffer.from(new ArrayBuffer(Math.max(1, Math.min(CHUNK_BYTES, this.#size - this.total))));
    return this.#current.length - this.#filled;
  }

  async #advance(taken: number): Promise<void> {
    this.#filled += taken;
    this.total += taken;
    if (this.#filled === this.#current.length) await this.#emit();
  }

  async #emit(): Promise<void> {
    const data = this.#filled === this.#current.length ? this.#current : this.#current.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#flush(data);
  }
}

async function settle(pending: readonly (BlobId | Promise<SavedBlob>)[]): Promise<readonly BlobId[]> {
  const ids: BlobId[] = [];
  for (const item of pending) ids.push(typeof item === 'string' ? item : (await item).id);
  return ids;
}

function wrongSize(entry: TarEntry, found: number): StillpointError {
  return new StillpointError(
    'read.incomplete',
    `"${displayName(entry.name)}" has ${found} bytes in the stream instead of ${entry.size}.`,
    {
      advice: 'Run the backup again; if it recurs, check the disk of the host.',
      cause: undefined,
    },
  );
}
