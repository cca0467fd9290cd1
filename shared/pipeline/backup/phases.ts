/** Phases as events: what begins is said before, what ended with how long it took. */
import type { Clock } from '../../base/clock.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { JobKind, Phase, PhaseOf } from '../../domain/verbs/verbs.ts';

/** Of the phases in the definition of the verb. */
export type RunPhase<K extends JobKind> = <T>(phase: PhaseOf<K> & Phase, work: () => Promise<T>) => Promise<T>;

export function phases<K extends JobKind>(emit: EmitEvent, clock: Clock, signal: AbortSignal): RunPhase<K> {
  return async (phase, work) => {
    signal.throwIfAborted();
    const started = clock.monotonicMs();
    emit({ type: 'phase-started', phase });
    const result = await work();
    emit({ type: 'phase-finished', phase, durationMs: Math.round(clock.monotonicMs() - started) });
    return result;
  };
}
