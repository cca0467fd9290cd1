/**
 * Why reading failed. When a snapshot overflows, the guard on the host ends tar, and all that arrives here is a stream
 * that stops; the person needs to hear of the snapshot.
 */
import { cleanupSignal } from '../../base/cancel.ts';
import { isStillpointError } from '../../base/errors.ts';

const VERDICT_BUDGET_MS = 30_000;

/** Asks for the end check's verdict; throws it if it blames the snapshot or the host, else the error itself. */
export async function rethrowWithVerdict(
  error: unknown,
  judge: (signal: AbortSignal) => Promise<void>,
  reading: AbortSignal,
): Promise<never> {
  // The user cancelled, or the lease has said already what was wrong.
  if (reading.aborted) throw error;
  let verdict: unknown;
  try {
    await judge(cleanupSignal(VERDICT_BUDGET_MS));
  } catch (reason) {
    verdict = reason;
  }
  throw isStillpointError(verdict) && /^(snapshot|host)\./.test(verdict.code) ? verdict : error;
}
