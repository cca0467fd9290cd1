/**
 * When a request counts as one that is never answered. The keep-alive of SSH finds a connection that died; it does not
 * find a server program that hangs, on a disk or a network file system that does not come back.
 *
 * A conversation that is silent is not enough: on a slow line an answer waits behind what the others of the same host
 * send. So nothing may have come from any of them for half a minute either.
 */
import type { Clock } from '../../base/clock.ts';

export interface Silence {
  readonly clock: Clock;
  /** How long a request may go without a byte of an answer. */
  readonly silenceMs: number;
  /** When something last came from the host, on whatever conversation; all of one host share it. */
  readonly lastHeard: { ms: number };
}

const ALL_SILENT_MS = 30_000;

/** Resolves when nothing was heard since `sinceMs` for too long; rejects with the signal's reason. */
export async function untilSilent(
  { clock, silenceMs, lastHeard }: Silence,
  sinceMs: () => number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const dueMs = Math.max(sinceMs() + silenceMs, lastHeard.ms + Math.min(ALL_SILENT_MS, silenceMs));
    const leftMs = dueMs - clock.monotonicMs();
    if (leftMs <= 0) return;
    await clock.sleep(leftMs, signal);
  }
}
