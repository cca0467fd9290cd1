/** For how long a run probably reads on, from the progress that it tells; an estimate for forecasts, and for nothing else. */
import type { Clock } from '../../base/clock.ts';
import type { EmitEvent, Progress } from '../../domain/events.ts';

/** By what came in this time before, because what has not changed goes by much faster than what has. */
const WINDOW_MS = 120_000;
const LEAST_MS = 10_000;

export interface Pace {
  /** Tells on what it is told. */
  readonly emit: EmitEvent;
  /** Undefined where that cannot be known. */
  readonly readingLeftMs: () => number | undefined;
}

export function paceOf(emit: EmitEvent, clock: Pick<Clock, 'monotonicMs'>): Pace {
  let looks: { readonly atMs: number; readonly progress: Progress }[] = [];
  return {
    emit: (event) => {
      if (event.type === 'progress' && event.phase === 'read') {
        const atMs = clock.monotonicMs();
        const last = looks.at(-1);
        if (last === undefined || atMs - last.atMs >= 1000)
          looks = [...looks.filter((look) => atMs - look.atMs <= WINDOW_MS), { atMs, progress: event }];
      }
      emit(event);
    },
    readingLeftMs() {
      const [first] = looks;
      const last = looks.at(-1);
      if (first === undefined || last?.progress.bytesTotal === undefined) return undefined;
      const now = clock.monotonicMs();
      const [came, left] = [
        last.progress.bytesDone - first.progress.bytesDone,
        last.progress.bytesTotal - last.progress.bytesDone,
      ];
      if (now - first.atMs < LEAST_MS || came <= 0) return undefined;
      return (left / came) * (now - first.atMs);
    },
  };
}
