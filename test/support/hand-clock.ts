/** A clock that is moved by hand: sleeps end when it has been moved far enough. */
import { setImmediate as breath } from 'node:timers/promises';
import type { Clock } from '../../shared/base/clock.ts';

export class HandClock implements Clock {
  #ms = 1_000_000;
  readonly #sleepers = new Set<() => void>();

  now(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#ms);
  }

  monotonicMs(): number {
    return this.#ms;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const dueMs = this.#ms + ms;
    const look = (): void => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (this.#ms >= dueMs) resolve();
      else return;
      this.#sleepers.delete(look);
    };
    this.#sleepers.add(look);
    signal.addEventListener('abort', look, { once: true });
    return promise;
  }

  async move(ms: number): Promise<void> {
    this.#ms += ms;
    for (const look of this.#sleepers) look();
    await breath();
  }
}
