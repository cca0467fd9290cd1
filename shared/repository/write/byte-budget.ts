/**
 * How much a writer may hold in memory. Bytes are charged when a blob is put, re-weighed when it is compressed, and
 * given back when its pack is stored. A request is granted while less than the limit is in use, so that a blob larger
 * than the whole limit still gets through, alone.
 */
import type { StillpointError } from '../../base/errors.ts';

interface Place {
  readonly bytes: number;
  readonly grant: () => void;
  readonly refuse: (error: StillpointError) => void;
}

export class ByteBudget {
  #used = 0;
  readonly #limit: number;
  #waiting: Place[] = [];
  #failure: StillpointError | undefined;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Waits for room, first come first served. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#waiting.length === 0 && this.#used < this.#limit) {
      this.#used += bytes;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== place);
        reject(signal.reason as Error);
      };
      const leave = (): void => signal.removeEventListener('abort', onAbort);
      const place: Place = {
        bytes,
        grant: () => {
          leave();
          resolve();
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(place);
    });
  }

  /** Nothing will ever be given back; all who wait and all who come get the error. */
  fail(error: StillpointError): void {
    this.#failure = error;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const place of waiting) place.refuse(error);
  }

  /** Gives back, or with a negative number charges without waiting. */
  give(bytes: number): void {
    this.#used -= bytes;
    while (this.#used < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#used += next.bytes;
      next.grant();
    }
  }
}
