/** A limit that runs only while nothing comes: on a slow line an answer waits behind what was sent before it. */
import type { Deadline } from '../base/cancel.ts';
import type { StillpointError } from '../base/errors.ts';

/** Fires when nothing was heard for the budget, or with the parent. */
export function silenceDeadline(
  parent: AbortSignal,
  budgetMs: number,
  heardAtMs: () => number,
  error: () => StillpointError,
): Deadline {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  parent.addEventListener('abort', onAbort, { once: true });
  const startedMs = performance.now();
  const look = (): void => {
    const leftMs = Math.max(heardAtMs(), startedMs) + budgetMs - performance.now();
    if (leftMs <= 0) controller.abort(error());
    else timer = setTimeout(look, leftMs);
  };
  let timer = setTimeout(look, budgetMs);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent.removeEventListener('abort', onAbort);
    },
  };
}
