/**
 * How many calls work at once. A client may send hundreds; each of them may hold a connection to a host or a store, and
 * a server that takes all of them answers none. So a few work, some wait, and the rest are refused at once.
 */
import { StillpointError } from '../shared/base/errors.ts';
import { Semaphore } from '../shared/base/limit.ts';
import { CALLS_AT_ONCE, CALLS_WAITING } from './limits.ts';

export class CallGate {
  readonly #places = new Semaphore(CALLS_AT_ONCE);
  #inside = 0;

  /** Waits for a place; dispose it to give it back. Errors: `run.busy`, the signal's reason. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    if (this.#inside >= CALLS_AT_ONCE + CALLS_WAITING) throw tooMany(this.#inside);
    this.#inside += 1;
    try {
      const place = await this.#places.acquire(signal);
      return {
        [Symbol.dispose]: () => {
          this.#inside -= 1;
          place[Symbol.dispose]();
        },
      };
    } catch (error) {
      this.#inside -= 1;
      throw error;
    }
  }
}

function tooMany(count: number): StillpointError {
  return new StillpointError('run.busy', `${count} calls are being answered or wait for it; no more are taken.`, {
    advice: 'Wait for the answers, then make this call again.',
    cause: undefined,
  });
}
