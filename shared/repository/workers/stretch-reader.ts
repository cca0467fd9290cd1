/**
 * Proves and opens the blobs of stretches that were read. What it holds between two calls is the hash of each pack
 * that is being proved, and what it needs for small blobs: of most packs they are nearly all.
 */

import { createHash, type Hash } from 'node:crypto';
import { invariant } from '../../base/errors.ts';
import { release } from '../../base/release.ts';
import { OVERHEAD_BYTES, type Sealer } from '../crypto/aes-poly1305.ts';
import { type OpenedBlob, openBlob } from '../read/open-blob.ts';
import { Shelf } from '../read/shelf.ts';
import { ROOM_TO_SPARE, ZstdContext } from '../read/zstd-context.ts';
import type { BlobFault, Opened, Proved, ProveRequest, Stretch } from './reader-messages.ts';

/** Plaintext bytes up to which a blob shares memory with others. */
const SMALL_BYTES = 256 * 1024;

export class StretchReader {
  readonly #sealer: Sealer;
  readonly #digests = new Map<number, Hash>();
  readonly #context = new ZstdContext();
  /** For plaintext that is looked at and not kept. */
  readonly #scratch = new Shelf(SMALL_BYTES + ROOM_TO_SPARE);

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  prove({ lane, isFirst, isLast, ...stretch }: Omit<ProveRequest, 'kind' | 'job'>): Omit<Proved, 'kind' | 'job'> {
    // Of a pack whose end could not be read something may be left.
    const digest = (isFirst ? undefined : this.#digests.get(lane)) ?? createHash('sha256');
    digest.update(stretch.data);
    if (isLast) this.#digests.delete(lane);
    else this.#digests.set(lane, digest);
    const faults: BlobFault[] = [];
    for (let index = 0; index < stretch.ids.length; index++) {
      const { data, fault } = this.#openOne(stretch, index, this.#scratch);
      if (data === undefined) faults.push({ index, fault });
      else if (data.length > SMALL_BYTES) release(data);
    }
    return { faults, sha256: isLast ? digest.digest('hex') : undefined };
  }

  /** Small blobs lie in memory that others share: moving each by itself would cost more than what is in it. */
  open(stretch: Stretch): Opened['blobs'] {
    let expected = 0;
    for (let index = 0; index < stretch.ids.length; index++) {
      const bytes = plainBytes(stretch, index);
      if (bytes <= SMALL_BYTES) expected += bytes;
    }
    const shelf = new Shelf(expected + ROOM_TO_SPARE);
    return stretch.ids.map((_, index) => {
      const { data, fault } = this.#openOne(stretch, index, shelf);
      if (data !== undefined && data.length <= SMALL_BYTES) shelf.take(data.length);
      return data ?? fault;
    });
  }

  #openOne(stretch: Stretch, index: number, shelf: Shelf): OpenedBlob {
    const { data, ids, places } = stretch;
    const at = places[3 * index] ?? 0;
    const id = ids[index];
    invariant(id !== undefined, 'every place has an id');
    const blob = { id, uncompressedLength: places[3 * index + 2] ?? 0 };
    const envelope = data.subarray(at, at + (places[3 * index + 1] ?? 0));
    const bytes = plainBytes(stretch, index);
    if (bytes > SMALL_BYTES) return openBlob(this.#sealer, blob, envelope);
    return openBlob(this.#sealer, blob, envelope, { context: this.#context, room: shelf.room(bytes + ROOM_TO_SPARE) });
  }
}

/** As many as there will be if the blob is good. */
function plainBytes({ places }: Stretch, index: number): number {
  const uncompressed = places[3 * index + 2] ?? 0;
  return uncompressed === 0 ? Math.max(0, (places[3 * index + 1] ?? 0) - OVERHEAD_BYTES) : uncompressed;
}
