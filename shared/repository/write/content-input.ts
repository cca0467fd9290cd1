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
import { ownedCopy } from './batcher.ts';

export interface ContentPorts {
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

/** So much is handed over at once. */
const PORTION_BYTES = 1024 * 1024;
/** Of a content whose length is not known. */
const MUCH_BYTES = 1024 ** 3;

export class OpenContent implements ChangedContent {
  readonly #ports: ContentPorts;
  readonly #size: number | undefined;
  readonly #options: ContentOptions;
  readonly #pieces: PendingPieces[] = [];
  #lane: CutLane | undefined;
  /** What is handed over next. */
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
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
    for (let at = 0; at < data.length; at += PORTION_BYTES) {
      await this.#gather(Uint8Array.from(data.subarray(at, at + PORTION_BYTES)), signal);
    }
  }

  async give(data: Uint8Array, signal: AbortSignal): Promise<void> {
    if (data.length > PORTION_BYTES) return await this.add(data, signal);
    this.#expect(data.length);
    await this.#gather(ownedCopy(data), signal);
  }

  async addZeros(count: number, signal: AbortSignal): Promise<void> {
    this.#expect(count);
    // In a shorter hole there is no whole piece.
    if (count >= LEAST_PIECE_BYTES) {
      await this.#handOver(count, 'more', signal);
      this.#total += count;
      return;
    }
    await this.#gather(new Uint8Array(count), signal);
  }

  async isAtBorder(signal: AbortSignal): Promise<boolean> {
    if (this.#lane === undefined && this.#gatheredBytes === 0) return true;
    await this.#handOver(0, 'look', signal);
    await this.#handedOver;
    return this.#openBytes === 0;
  }

  takeOver({ id, bytes }: StoredPiece): void {
    invariant(
      this.#openBytes === 0 && this.#gatheredBytes === 0,
      'a piece is taken over behind the end of another one',
    );
    this.#expect(bytes);
    this.#total += bytes;
    this.#addPieces({ bytes, count: 1, id: Promise.resolve(id) });
  }

  async end(signal: AbortSignal): Promise<{ readonly ids: Promise<readonly BlobId[]> }> {
    if (this.#lane !== undefined || this.#gatheredBytes > 0) await this.#handOver(0, 'end', signal);
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
    const forgotten = this.#lane.cut([], 0, 'end');
    run(forgotten.then(({ cuts }) => give(bytesOf(cuts) - MOST_PIECE_BYTES)));
  }

  #expect(bytes: number): void {
    const fits = this.#size === undefined || this.#total + bytes <= this.#size;
    invariant(fits, 'a content is no longer than was said of it');
  }

  async #gather(data: Uint8Array, signal: AbortSignal): Promise<void> {
    if (data.length === 0) return;
    this.#total += data.length;
    this.#gathered.push(data);
    this.#gatheredBytes += data.length;
    if (this.#gatheredBytes >= PORTION_BYTES) await this.#handOver(0, 'more', signal);
  }

  async #handOver(zeros: number, behind: CutBehind, signal: AbortSignal): Promise<void> {
    const { openCutLane, take, give, run } = this.#ports;
    const data = this.#gathered;
    await take(this.#gatheredBytes, signal);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#lane === undefined) {
      this.#lane = openCutLane(this.#options.storedBytes ?? this.#size ?? MUCH_BYTES);
      // Its open piece has room of its own: whoever waits for more of it to come would wait for himself.
      give(MOST_PIECE_BYTES);
    }
    const answered = this.#lane.cut(data, zeros, behind).then(({ cuts, openBytes }) => {
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

function bytesOfZeros(cuts: readonly Cut[]): number {
  return cuts.reduce<number>((sum, cut) => sum + (typeof cut === 'number' ? cut * LEAST_PIECE_BYTES : 0), 0);
}

function bytesOf(cuts: readonly Cut[]): number {
  return cuts.reduce<number>((sum, cut) => sum + (typeof cut === 'number' ? 0 : cut.length), bytesOfZeros(cuts));
}
