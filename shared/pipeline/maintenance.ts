/** What those verbs share that look after a repository. */
import type { Clock } from '../base/clock.ts';
import type { EmitEvent, Progress } from '../domain/events.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';

export interface MaintenancePorts {
  openRepository(signal: AbortSignal): Promise<OpenedRepository>;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

/** Progress in files whose size does not matter. */
export function inFiles(done: number, total: number): Progress {
  return { filesDone: done, filesTotal: total, bytesDone: 0, bytesTotal: undefined };
}
