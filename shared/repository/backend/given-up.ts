/**
 * What a store was given up for lately: many calls that fail one after the other must not each be waited for again. For a
 * minute each of them is tried once, until one works.
 */
import type { Clock } from '../../base/clock.ts';

const GIVEN_UP_MS = 60_000;

/** For a place that answers nothing. */
export const EVERYTHING = 'everything';

export class GivenUp {
  readonly #clock: Clock;
  readonly #sinceMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(what: string): void {
    this.#sinceMs.set(what, this.#clock.monotonicMs());
  }

  has(what: string): boolean {
    const now = this.#clock.monotonicMs();
    return [what, EVERYTHING].some((each) => now - (this.#sinceMs.get(each) ?? Number.NEGATIVE_INFINITY) < GIVEN_UP_MS);
  }

  worked(what: string): void {
    if (this.#sinceMs.size === 0) return;
    this.#sinceMs.delete(what);
    this.#sinceMs.delete(EVERYTHING);
  }
}
