/**
 * Packs of which the index says what cannot all be true: entries that overlap. One of them may be right, and the others
 * would have the same bytes read and decrypted again and again. So the pack's own header is asked, once, and an entry
 * that it does not have is not tried. Where there is no header to ask, some are tried all the same.
 */

import type { ReadableBackend } from '../backend/backend.ts';
import type { Sealer } from '../crypto/aes-poly1305.ts';
import type { PackId } from '../ids.ts';
import type { BlobIndex, BlobPlace } from '../index/blob-index.ts';
import { MOST_TRIES, placeKey, UNLISTED, UNTRIED } from './overlaps.ts';
import { headerLoader, readHeader } from './pack-header.ts';

/** Headers that are kept: reading goes from pack to pack. */
const MOST_KEPT = 4;

interface Witness {
  /** The places that the header lists; undefined where it cannot be read. */
  readonly listed: ReadonlySet<string> | undefined;
  tries: number;
}

export class DoubtfulPacks {
  readonly #backend: ReadableBackend;
  readonly #sealer: Sealer;
  readonly #index: BlobIndex;
  readonly #witnesses = new Map<PackId, Promise<Witness>>();

  constructor(backend: ReadableBackend, sealer: Sealer, index: BlobIndex) {
    this.#backend = backend;
    this.#sealer = sealer;
    this.#index = index;
  }

  /** Why what the index says is not to be tried; undefined where it is. */
  async faultOf(place: BlobPlace, signal: AbortSignal): Promise<string | undefined> {
    if (!this.#index.isDoubtful(place.pack)) return undefined;
    const witness = await this.#witness(place.pack, signal);
    if (witness.listed !== undefined) return witness.listed.has(placeKey(place)) ? undefined : UNLISTED;
    witness.tries += 1;
    return witness.tries > MOST_TRIES ? UNTRIED : undefined;
  }

  async #witness(pack: PackId, signal: AbortSignal): Promise<Witness> {
    const known = this.#witnesses.get(pack);
    if (known !== undefined) return await known;
    const [oldest] = this.#witnesses.keys();
    if (oldest !== undefined && this.#witnesses.size >= MOST_KEPT) this.#witnesses.delete(oldest);
    const asked = this.#ask(pack, signal);
    this.#witnesses.set(pack, asked);
    // What went wrong once may go right the next time.
    asked.catch(() => this.#witnesses.delete(pack));
    return await asked;
  }

  async #ask(pack: PackId, signal: AbortSignal): Promise<Witness> {
    const { sizeBytes } = await this.#backend.stat({ type: 'data', name: pack }, signal);
    const blobs = await readHeader(this.#sealer, headerLoader(this.#backend, pack, signal), pack, sizeBytes);
    return { listed: typeof blobs === 'string' ? undefined : new Set(blobs.map(placeKey)), tries: 0 };
  }
}
