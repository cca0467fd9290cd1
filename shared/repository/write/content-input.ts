/**
 * A content on its way into pieces. It goes to one of the workers, always the same, which has its open piece and gives back what
 * it has cut; as blobs these pieces go to any of them.
 *
 * What was handed over counts in the writer's budget until its pieces are stored. Holes do not: what a worker makes of one is
 * counted when it is known.
 */
import { invariant } from '../../base/errors.ts';
import type { BlobId } from '../ids.ts';
import { idsOfPieces, LEAST_PIECE_BYTES, MOST_PIECE_BYTES, type PendingPieces } from '../pieces.ts';
import type { ChangedContent, ContentOptions, StoredPiece } from '../repository.ts';
import type { Cut } from '../workers/content-cutter.ts';
import type { CutBehind } from '../workers/messages.ts';
import type { CutLane } from '../workers/pool.ts';
import { PORTION_BYTES, type Portions } from './portions.ts';

export interface ContentPorts {
  readonly portions: Portions;
  readonly openCutLane: (bytes: number) => CutLane;
  /** Waits until there is room for so many bytes, and takes it. */
  readonly take: (bytes: number, signal: AbortSignal) => Promise<void>;
  /** Gives room back, or with a negative number takes it without waiting. */
  readonly give: (bytes: number) => void;
  /** Room has been taken for its bytes. */
  readonly store: (piece: Uint8Array) => Promise<BlobId>;
  /** So many pieces of zeros. */
  readonly storeZeros: (count: number) => Promise<BlobId>;
  /** What has to end before the writer is flushed. */
  readonly run: (work: Promise<void>) => void;
}

/** Of a content whose length is not known. */
const MUCH_BYTES = 1024 ** 3;

export class OpenContent implements ChangedContent {
  readonly #ports: ContentPorts;
  readonly #size: number | undefined;
  readonly #options: ContentOptions;
  readonly #pieces: PendingPieces[] = [];
  #lane: CutLane | undefined;
  #portion: Buffer = EMPTY;
  #filled = 0;
  #total = 0;
  #handedOver: Promise<void> = Promise.resolve();
  /** Of the piece that has not ended, after the last answer. */
  #openBytes = 0;
  #isDone = false;

  constructor(ports: ContentPorts, size: number | undefined, options: ContentOptions) {
    this.#ports = ports;
    this.#size = size;
    this.#options = options;
  }

  async add(data: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#expect(data.length);
    for (let at = 0; at < data.length; ) {
      const some = data.subarray(at, at + this.#room());
      this.#portion.set(some, this.#filled);
      at += some.length;
      await this.#advance(some.length, signal);
    }
  }

  async addZeros(count: number, signal: AbortSignal): Promise<void> {
    this.#expect(count);
    // In a shorter hole there is no whole piece.
    if (count >= LEAST_PIECE_BYTES) {
      await this.#handOver(count, 'more', signal);
      this.#total += count;
      return;
    }
    for (let left = count; left > 0; ) {
      const some = Math.min(left, this.#room());
      left -= some;
      this.#portion.fill(0, this.#filled, this.#filled + some);
      await this.#advance(some, signal);
    }
  }

  async isAtBorder(signal: AbortSignal): Promise<boolean> {
    if (this.#lane === undefined && this.#filled === 0) return true;
    await this.#handOver(0, 'look', signal);
    await this.#handedOver;
    return this.#openBytes === 0;
  }

  takeOver({ id, bytes }: StoredPiece): void {
    invariant(this.#openBytes === 0 && this.#filled === 0, 'a piece is taken over behind the end of another one');
    this.#expect(bytes);
    this.#total += bytes;
    this.#addPieces({ bytes, count: 1, id: Promise.resolve(id) });
  }

  async end(signal: AbortSignal): Promise<{ readonly ids: Promise<readonly BlobId[]> }> {
    if (this.#lane !== undefined || this.#filled > 0) await this.#handOver(0, 'end', signal);
    this.#isDone = true;
    const ids = this.#settle();
    // A failure shows to whoever waits, and in the next call of the writer; it must not be an unhandled rejection.
    ids.catch(() => undefined);
    return { ids };
  }

  [Symbol.dispose](): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#lane === undefined) return;
    const { give, run } = this.#ports;
    const forgotten = this.#lane.cut(EMPTY, 0, 'end');
    run(forgotten.then(({ cuts }) => give(bytesOf(cuts) - MOST_PIECE_BYTES)));
  }

  #expect(bytes: number): void {
    const fits = this.#size === undefined || this.#total + bytes <= this.#size;
    invariant(fits, 'a content is no longer than was said of it');
  }

  /** The last portion is no larger than what the content still has. */
  #room(): number {
    if (this.#filled === 0) {
      const left = this.#size === undefined ? PORTION_BYTES : this.#size - this.#total;
      this.#portion = this.#ports.portions.take(left);
    }
    return this.#portion.length - this.#filled;
  }

  async #advance(bytes: number, signal: AbortSignal): Promise<void> {
    this.#filled += bytes;
    this.#total += bytes;
    if (this.#filled === this.#portion.length) await this.#handOver(0, 'more', signal);
  }

  #gathered(): Uint8Array {
    const gathered = this.#portion.subarray(0, this.#filled);
    this.#portion = EMPTY;
    this.#filled = 0;
    return gathered;
  }

  async #handOver(zeros: number, behind: CutBehind, signal: AbortSignal): Promise<void> {
    const { openCutLane, portions, take, give, run } = this.#ports;
    await take(this.#filled, signal);
    if (this.#lane === undefined) {
      this.#lane = openCutLane(this.#options.storedBytes ?? this.#size ?? MUCH_BYTES);
      // Its open piece has room of its own: whoever waits for more of it to come would wait for himself.
      give(MOST_PIECE_BYTES);
    }
    const answered = this.#lane.cut(this.#gathered(), zeros, behind).then(({ cuts, emptied, openBytes }) => {
      for (const portion of emptied) portions.giveBack(portion);
      give(bytesOfZeros(cuts) - zeros - (behind === 'end' ? MOST_PIECE_BYTES : 0));
      this.#openBytes = openBytes;
      for (const cut of cuts) this.#takePiece(cut);
    });
    this.#handedOver = answered;
    run(answered);
  }

  #takePiece(cut: Cut): void {
    const { store, storeZeros } = this.#ports;
    const pieces =
      typeof cut === 'number'
        ? { bytes: LEAST_PIECE_BYTES, count: cut, id: storeZeros(cut) }
        : { bytes: cut.length, count: 1, id: store(cut) };
    pieces.id.catch(() => undefined);
    this.#addPieces(pieces);
  }

  #addPieces(pieces: PendingPieces): void {
    this.#pieces.push(pieces);
    this.#options.onPieces?.(pieces);
  }

  async #settle(): Promise<readonly BlobId[]> {
    await this.#handedOver;
    return await idsOfPieces(this.#pieces);
  }
}

const EMPTY = Buffer.alloc(0);

function bytesOfZeros(cuts: readonly Cut[]): number {
  return cuts.reduce<number>((sum, cut) => sum + (typeof cut === 'number' ? cut * LEAST_PIECE_BYTES : 0), 0);
}

function bytesOf(cuts: readonly Cut[]): number {
  return cuts.reduce<number>((sum, cut) => sum + (typeof cut === 'number' ? 0 : cut.length), bytesOfZeros(cuts));
}
