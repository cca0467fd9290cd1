/**
 * Waits until what a run needs on a host is its turn: another run has it, of whichever client. Nothing is held meanwhile, but
 * for the lease.
 */
import { type Clock, timed, type WallSpan } from '../../base/clock.ts';
import type { EmitEvent } from '../../domain/events.ts';
import { DEFAULT_WAIT_SECONDS, type TurnTaken } from '../../domain/turn.ts';
import { type TakenSet, turnTaken } from '../../snapshot/snapshot-set.ts';

/** What another run holds until its snapshots stand it holds for some seconds. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

interface TurnPorts {
  /** By the name by which the user knows it. */
  readonly host: string;
  readonly waitSeconds: number | undefined;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

/** Errors: `host.busy` when it was waited for long enough; and those of `attempt`. The span is that of the last attempt. */
export async function inTurn(
  attempt: () => Promise<TakenSet | { readonly busy: TurnTaken }>,
  { host, waitSeconds = DEFAULT_WAIT_SECONDS, clock, emit }: TurnPorts,
  signal: AbortSignal,
): Promise<{ readonly value: TakenSet; readonly span: WallSpan }> {
  const sinceMs = clock.monotonicMs();
  let told: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    const { value, span } = await timed(clock, attempt);
    if (!('busy' in value)) return { value, span };
    const { busy } = value;
    const waitedMs = clock.monotonicMs() - sinceMs;
    const leftMs = waitSeconds * 1000 - waitedMs;
    if (leftMs <= 0) throw turnTaken(busy, host, { waitedMs, at: clock.now() });
    const holder = `${busy.what} ${busy.run}`;
    if (holder !== told) emit({ type: 'turn-waiting', host, ...busy });
    told = holder;
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
}
