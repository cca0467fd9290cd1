/**
 * Time as a port, so that tests decide what time it is. `now` is wall time, for labels; `monotonicMs` is for spans
 * and deadlines and does not jump when the clock is set.
 */
export interface Clock {
  now(): Date;
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Two readings of a clock that shows wall time, in ms since 1970: what lies between the two. */
export interface WallSpan {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/**
 * Between which wall times of this machine some work was done. Where the wall clock is set meanwhile, the span covers
 * what it showed before and after: the monotonic clock says how far the one reading is from the other.
 */
export async function timed<T>(
  clock: Clock,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly span: WallSpan }> {
  const [beforeMs, begunMs] = [clock.now().getTime(), clock.monotonicMs()];
  const value = await work();
  const [afterMs, tookMs] = [clock.now().getTime(), clock.monotonicMs() - begunMs];
  return {
    value,
    span: { earliestMs: Math.min(beforeMs, afterMs - tookMs), latestMs: Math.max(afterMs, beforeMs + tookMs) },
  };
}

/** For people: "2026-03-01 04:30 UTC". @param time ISO 8601 */
export const utcMinute = (time: string): string => `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal.addEventListener('abort', onAbort, { once: true });
    }),
};
