/**
 * Gathers small blobs, because a message to a worker costs as much as compressing a few kilobytes. A large blob that
 * owns its memory is a batch of its own and is moved without a copy.
 */
import type { BlobType } from '../ids.ts';
import type { SavedBlob } from '../repository.ts';

export interface WaitingBlob {
  readonly data: Uint8Array;
  readonly saved: PromiseWithResolvers<SavedBlob>;
}

export interface BlobBatch {
  readonly type: BlobType;
  readonly data: Uint8Array;
  readonly lengths: readonly number[];
  readonly waiting: readonly Pick<WaitingBlob, 'saved'>[];
}

/** A blob from here on travels alone. */
const LARGE_BYTES = 256 * 1024;
const BATCH_BYTES = 512 * 1024;
const BATCH_BLOBS = 256;

export class Batcher {
  readonly #type: BlobType;
  readonly #send: (batch: BlobBatch) => void;
  readonly #isIdle: () => boolean;
  #gathered: WaitingBlob[] = [];
  #bytes = 0;
  #timer: NodeJS.Immediate | undefined;

  /** @param isIdle whether a worker waits for work; then a batch goes out before it is full */
  constructor(type: BlobType, send: (batch: BlobBatch) => void, isIdle: () => boolean) {
    this.#type = type;
    this.#send = send;
    this.#isIdle = isIdle;
  }

  add(blob: WaitingBlob): void {
    const { data, saved } = blob;
    if (data.length >= LARGE_BYTES) {
      const owned = ownedCopy(data);
      this.#send({ type: this.#type, data: owned, lengths: [owned.length], waiting: [{ saved }] });
      return;
    }
    this.#gathered.push(blob);
    this.#bytes += data.length;
    if (this.#bytes >= BATCH_BYTES || this.#gathered.length >= BATCH_BLOBS) this.dispatch();
    else this.#timer ??= setImmediate(this.#onTurn);
  }

  dispatch(): void {
    clearImmediate(this.#timer);
    this.#timer = undefined;
    const waiting = this.#gathered;
    if (waiting.length === 0) return;
    const data = Buffer.allocUnsafeSlow(this.#bytes);
    let at = 0;
    for (const blob of waiting) {
      data.set(blob.data, at);
      at += blob.data.length;
    }
    this.#gathered = [];
    this.#bytes = 0;
    const lengths = waiting.map((blob) => blob.data.length);
    this.#send({ type: this.#type, data, lengths, waiting: waiting.map(({ saved }) => ({ saved })) });
  }

  /** A worker has run out of work. */
  onIdle(): void {
    if (this.#timer === undefined) this.dispatch();
  }

  /** Nothing more will be sent. */
  fail(error: unknown): void {
    clearImmediate(this.#timer);
    for (const { saved } of this.#gathered) saved.reject(error);
    this.#gathered = [];
    this.#bytes = 0;
  }

  /** A caller that awaits `saved` before the next put must not wait for a batch to fill; `onIdle` comes back to it. */
  #onTurn = (): void => {
    this.#timer = undefined;
    if (this.#isIdle()) this.dispatch();
  };
}

/** Memory that can be moved to a worker: what shares its buffer with others is copied. */
export function ownedCopy(data: Uint8Array): Uint8Array {
  const ownsMemory = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
  return ownsMemory ? data : Uint8Array.from(data);
}
