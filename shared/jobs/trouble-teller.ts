/** Tells whoever watches a job why it stands still: the place of its repository fails, and is tried again. */
import type { Clock } from '../base/clock.ts';
import type { StillpointError } from '../base/errors.ts';
import type { EmitEvent } from '../domain/events.ts';

/** Several calls fail together, and again and again; one line a minute says it. */
const EVERY_MS = 60_000;

export function troubleTeller({
  emit,
  clock,
}: {
  readonly emit: EmitEvent;
  readonly clock: Clock;
}): (error: StillpointError) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return ({ code, message }) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - toldMs < EVERY_MS) return;
    toldMs = nowMs;
    emit({ type: 'warning', code, message, advice: 'It is tried again for some minutes.' });
  };
}
