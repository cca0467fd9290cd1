/**
 * Proves and opens the blobs of stretches that were read. What it holds between two calls is the hash of each pack
 * that is being proved.
 */

import { createHash, type Hash } from 'node:crypto';
import { invariant } from '../../base/errors.ts';
import { release } from '../../base/release.ts';
import { type Sealer } from '../crypto/aes-poly1305.ts';
import { type OpenedBlob, openBlob } from '../read/open-blob.ts';
import type { BlobFault, Opened, Proved, ProveRequest, Stretch } from './reader-messages.ts';

export class StretchReader {
  readonly #sealer: Sealer;
  readonly #digests = new Map<number, Hash>();

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
      const { data, fault } = this.#openOne(stretch, index);
      if (data === undefined) faults.push({ index, fault });
      else release(data);
    }
    return { faults, sha256: isLast ? digest.digest('hex') : undefined };
  }

  open(stretch: Stretch): Opened['blobs'] {
    return stretch.ids.map((_, index) => {
      const { data, fault } = this.#openOne(stretch, index);
      return data ?? fault;
    });
  }

  #openOne({ data, ids, places }: Stretch, index: number): OpenedBlob {
    const [at = 0, length = 0, uncompressedLength = 0] = places.subarray(3 * index, 3 * index + 3);
    const id = ids[index];
    invariant(id !== undefined, 'every place has an id');
    return openBlob(this.#sealer, { id, uncompressedLength }, data.subarray(at, at + length));
  }
}
