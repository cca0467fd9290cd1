/**
 * Gathers small blobs, because a message to a worker costs as much as compressing a few kilobytes. A large blob that
 * owns its memory is a batch of its own and is moved without a copy.
 */
import type { BlobType } from '../ids.ts';
import type { SavedBlob } from '../repository.ts';

/** Who waits for a blob. */
export interface BlobWaiter {
  resolve(saved: SavedBlob): void;
  reject(error: unknown): void;
}

export interface BlobBatch {
  readonly type: BlobType;
  readonly data: Uint8Array;
  readonly lengths: readonly number[];
  readonly waiting: readonly BlobWaiter[];
}

/** A blob from here on travels alone, and smaller ones are copied. */
export const LARGE_BYTES = 256 * 1024;
const BATCH_BYTES = 512 * 1024;
const BATCH_BLOBS = 256;

export class Batcher {
  readonly #type: BlobType;
  readonly #send: (batch: BlobBatch) => void;
  readonly #isIdle: () => boolean;
  /** Moved with the batch that it becomes. */
  #block = EMPTY;
  #bytes = 0;
  #lengths: number[] = [];
  #waiting: BlobWaiter[] = [];
  #timer: NodeJS.Immediate | undefined;

  /** @param isIdle whether a worker waits for work; then a batch goes out before it is full */
  constructor(type: BlobType, send: (batch: BlobBatch) => void, isIdle: () => boolean) {
    this.#type = type;
    this.#send = send;
    this.#isIdle = isIdle;
  }

  /** @param data copied, or where it is large moved if it has its memory for itself */
  add(data: Uint8Array, waiter: BlobWaiter): void {
    if (data.length >= LARGE_BYTES) {
      const owned = ownedCopy(data);
      this.#send({ type: this.#type, data: owned, lengths: [owned.length], waiting: [waiter] });
      return;
    }
    if (this.#bytes + data.length > BATCH_BYTES) this.dispatch();
    if (this.#lengths.length === 0) this.#block = Buffer.allocUnsafeSlow(BATCH_BYTES);
    this.#block.set(data, this.#bytes);
    this.#bytes += data.length;
    this.#lengths.push(data.length);
    this.#waiting.push(waiter);
    if (this.#lengths.length >= BATCH_BLOBS) this.dispatch();
    else this.#timer ??= setImmediate(this.#onTurn);
  }

  dispatch(): void {
    clearImmediate(this.#timer);
    this.#timer = undefined;
    if (this.#lengths.length === 0) return;
    const batch = {
      type: this.#type,
      data: this.#block.subarray(0, this.#bytes),
      lengths: this.#lengths,
      waiting: this.#waiting,
    };
    this.#forget();
    this.#send(batch);
  }

  #forget(): void {
    this.#block = EMPTY;
    this.#bytes = 0;
    this.#lengths = [];
    this.#waiting = [];
  }

  /** A worker has run out of work. */
  onIdle(): void {
    if (this.#timer === undefined) this.dispatch();
  }

  /** Nothing more will be sent. */
  fail(error: unknown): void {
    clearImmediate(this.#timer);
    for (const waiter of this.#waiting) waiter.reject(error);
    this.#forget();
  }

  /** A caller that awaits `saved` before the next put must not wait for a batch to fill; `onIdle` comes back to it. */
  #onTurn = (): void => {
    this.#timer = undefined;
    if (this.#isIdle()) this.dispatch();
  };
}

const EMPTY = Buffer.alloc(0);

/** Memory that can be moved to a worker: what shares its buffer with others is copied. */
export function ownedCopy(data: Uint8Array): Uint8Array {
  const ownsMemory = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
  return ownsMemory ? data : Uint8Array.from(data);
}
