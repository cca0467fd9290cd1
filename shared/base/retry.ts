/**
 * Trying again what failed for a reason that may pass: a lost connection, a server that is busy, a disk that is full for
 * a moment. One rule for all who do so. The wait grows from failure to failure, with chance in it where many may come
 * back at once; the number of tries is bounded, and the time where there is a budget; the signal ends a wait at once; and
 * whoever tries is told of each failure.
 *
 * What looks like it and is not: waiting for a turn, renewing what runs out, looking whether something has happened yet,
 * and asking a person again. There nothing failed, or no wait would mend it, and each such loop says so.
 */
import type { Clock } from './clock.ts';

export interface RetryTimes {
  /** How often it is tried at most, the first time included. */
  readonly tries: number;
  /** No try begins later than this after the first failure; default: whenever the tries allow it. */
  readonly budgetMs?: number;
  readonly firstWaitMs: number;
  /** No wait is longer; default: none is. */
  readonly longestWaitMs?: number;
  /** By what each wait is multiplied for the next one; default 2. */
  readonly growth?: number;
  /** The share of a wait that is left to chance, from 0 to 1; default ½. */
  readonly chance?: number;
}

export interface FailedTry {
  /** How many tries failed so far. */
  readonly tries: number;
  /** Since the first failure. */
  readonly passedMs: number;
  /** No try begins later than this. */
  readonly leftMs: number;
  /** Before the next try, if there is one. */
  readonly waitMs: number;
  readonly isLast: boolean;
}

export interface RetryPorts {
  readonly clock: Clock;
  readonly times: RetryTimes;
  /** From 0 to below 1; default Math.random. */
  readonly random?: () => number;
  /** Called for each failure that may pass, also for the last one. */
  readonly onFailure?: (error: unknown, failed: FailedTry) => void;
}

/** The tries of one piece of work, for code with a loop of its own. */
export class Tries {
  readonly #ports: RetryPorts;
  #failures = 0;
  #firstFailureMs = 0;

  constructor(ports: RetryPorts) {
    this.#ports = ports;
  }

  /** @param silentMs for how long nothing had moved when it failed: that counts as time since the first failure */
  failed(silentMs = 0): void {
    if (this.#failures === 0) this.#firstFailureMs = this.#ports.clock.monotonicMs() - silentMs;
    this.#failures += 1;
  }

  /** It got on since the last failure, so the count begins anew. */
  renew(): void {
    this.#failures = 0;
  }

  /** Resolves when it is time for the next try; throws the error when there is none. */
  async waitAfter(error: unknown, signal: AbortSignal): Promise<void> {
    this.failed();
    const failed = this.verdict();
    this.#ports.onFailure?.(error, failed);
    if (failed.isLast) throw error;
    await this.#ports.clock.sleep(failed.waitMs, signal);
  }

  /** What follows from the last failure. `bounds` are tighter than those of the ports, by what is known of it. */
  verdict(bounds: Pick<RetryTimes, 'budgetMs' | 'longestWaitMs'> = {}): FailedTry {
    const { clock, times, random = Math.random } = this.#ports;
    const { tries, firstWaitMs, growth = 2, chance = 0.5 } = times;
    const longestMs = Math.min(times.longestWaitMs ?? NO_BOUND, bounds.longestWaitMs ?? NO_BOUND);
    const whole = Math.min(longestMs, firstWaitMs * growth ** (this.#failures - 1));
    const waitMs = Math.round(whole * (1 - chance + random() * chance));
    const passedMs = clock.monotonicMs() - this.#firstFailureMs;
    const leftMs = Math.min(times.budgetMs ?? NO_BOUND, bounds.budgetMs ?? NO_BOUND) - passedMs;
    return { tries: this.#failures, passedMs, leftMs, waitMs, isLast: this.#failures >= tries || waitMs > leftMs };
  }
}

const NO_BOUND = Number.POSITIVE_INFINITY;

export interface RetryOptions extends RetryPorts {
  /** Whether it may pass; default: always. What may not is thrown at once, and not reported. */
  readonly mayPass?: (error: unknown) => boolean;
}

/** Fails with the error of the last try, or with the signal's reason when that fires during a wait. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions, signal: AbortSignal): Promise<T> {
  const { mayPass = () => true } = options;
  const tries = new Tries(options);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error)) throw error;
      await tries.waitAfter(error, signal);
    }
  }
}
