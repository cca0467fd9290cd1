/**
 * For loops over data that may go on for long without waiting for anything, as everything is in memory: without a pause
 * no signal would ever be seen, and no timer fire.
 */
import { setImmediate } from 'node:timers/promises';

const EVERY_MS = 50;

export class Pauses {
  readonly #signal: AbortSignal;
  #lastMs = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Call it in each round. Throws the signal's reason when it has fired. */
  async pause(): Promise<void> {
    if (performance.now() - this.#lastMs > EVERY_MS) {
      await setImmediate();
      this.#lastMs = performance.now();
    }
    this.#signal.throwIfAborted();
  }
}
