/**
 * Cancellation. The user's signal stops work; it never stops cleaning up. Cleanup runs under `cleanupSignal`, a clock
 * of its own, because a snapshot that stays on a host after "Cancel" is worse than a cancel that takes ten seconds.
 */
import { StillpointError } from './errors.ts';

/** A signal that never fires, for callers that have nothing to cancel. */
export const never: AbortSignal = new AbortController().signal;

/** How long one act of cleaning up may take before it is reported as failed. */
const CLEANUP_BUDGET_MS = 60_000;

export function cleanupSignal(budgetMs: number = CLEANUP_BUDGET_MS): AbortSignal {
  return AbortSignal.timeout(budgetMs);
}

/** Fires with the parent, or with `error()` when `budgetMs` have passed. Dispose it to let go of the timer. */
export function deadline(parent: AbortSignal, budgetMs: number, error: () => StillpointError): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(error()), budgetMs);
  const onAbort = (): void => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  else parent.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent.removeEventListener('abort', onAbort);
    },
  };
}

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** `why` is left out where a person asked for it. */
export function cancelled(what: string, why = ''): StillpointError {
  return new StillpointError('run.cancelled', `${what} was cancelled${why === '' ? '' : `: ${why}`}.`, {
    advice: 'Start it again when you want it.',
    cause: undefined,
  });
}

/** Rejects with the signal's reason as soon as it fires; the promise itself continues unobserved. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) {
      promise.catch(() => undefined);
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
