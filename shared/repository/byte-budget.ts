/**
 * How much a writer may hold in memory. Bytes are charged when a blob is put, re-weighed when it is compressed, and
 * given back when its pack is stored. A request is granted while less than the limit is in use, so that a blob larger
 * than the whole limit still gets through, alone.
 */
export class ByteBudget {
  #used = 0;
  readonly #limit: number;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Waits for room, first come first served. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && this.#used < this.#limit) {
      this.#used += bytes;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const place = {
        bytes,
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(place);
    });
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
