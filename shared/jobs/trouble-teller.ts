/** Tells those who watch a job why it is waiting: the store of its repository fails, and is tried again. */
import type { Clock } from '../base/clock.ts';
import type { EmitEvent } from '../domain/events.ts';
import type { Trouble } from '../repository/backend/attempts.ts';

/** Several calls fail together, and again and again; one line a minute says it, and one what is new about it. */
const EVERY_MS = 60_000;

export function troubleTeller({
  emit,
  clock,
}: {
  readonly emit: EmitEvent;
  readonly clock: Clock;
}): (trouble: Trouble) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  let answeredOthers = false;
  return ({ error: { code, message }, leftMs, answersOthers = false }) => {
    const nowMs = clock.monotonicMs();
    const isNew = answersOthers && !answeredOthers;
    if (nowMs - toldMs < EVERY_MS && !isNew) return;
    toldMs = nowMs;
    answeredOthers = answersOthers;
    const why = answersOthers ? 'The store answers other requests and refuses this one: it may be full. ' : '';
    const advice = `${why}The job waits for the store and tries again for up to ${span(leftMs)}.`;
    emit({ type: 'warning', code, message, advice });
  };
}

function span(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
