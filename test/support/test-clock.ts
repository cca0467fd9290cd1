/** A clock that stands still until code sleeps on it: the sleep takes no time, and the clock says that it did. */
import type { Clock } from '../../shared/base/clock.ts';

export class TestClock implements Clock {
  readonly sleeps: number[] = [];
  ms = 1_000_000;
  /** Called in the middle of each sleep. */
  onSleep: () => void = () => undefined;

  now(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.ms);
  }

  monotonicMs(): number {
    return this.ms;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.sleeps.push(ms);
    this.ms += ms;
    this.onSleep();
    signal.throwIfAborted();
  }
}
