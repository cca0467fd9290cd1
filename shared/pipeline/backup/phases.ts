/** Phases as events: what begins is said before, what ended with how long it took. */
import type { Clock } from '../../base/clock.ts';
import type { EmitEvent, Phase } from '../../domain/events.ts';

export type RunPhase = <T>(phase: Phase, work: () => Promise<T>) => Promise<T>;

export function phases(emit: EmitEvent, clock: Clock, signal: AbortSignal): RunPhase {
  return async (phase, work) => {
    signal.throwIfAborted();
    const started = clock.monotonicMs();
    emit({ type: 'phase-started', phase });
    const result = await work();
    emit({ type: 'phase-finished', phase, durationMs: Math.round(clock.monotonicMs() - started) });
    return result;
  };
}
