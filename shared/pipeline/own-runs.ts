/**
 * What is known here of our own runs on hosts. A lease protects a run's snapshots for as long as half an hour after its
 * process died; where that death is proved, the lease need not be waited for.
 */
import type { RunId } from '../domain/names.ts';
import type { ReapResult } from '../snapshot/host/commands.ts';

export interface OwnRuns {
  /**
   * Writes down that this process makes a run, before anything of it is on the host. It throws where that cannot be
   * written: a run without a record is not begun.
   */
  begin(run: RunId): Promise<void>;
  /** The run that this process was to go on with is over: it counts as any other dead one from now on. */
  giveUp(): Promise<void>;
  /** Runs that may have left something, and whose process is proved to be gone. */
  dead(): Promise<readonly RunId[]>;
  /** What a sweep of the host found, so that its dead runs need not be named again. */
  swept(result: ReapResult): Promise<void>;
}
