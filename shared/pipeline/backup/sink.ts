/** The end of a run behind its port: a repository, an archive or a mirror, from before the host is looked at. */
import type { ConsistencyEvidence } from '../../domain/consistency.ts';
import type { RunId } from '../../domain/names.ts';
import type { PackId } from '../../repository/ids.ts';
import type { ConfigMark, Vault } from '../../repository/repository.ts';
import type { RunPhase } from './phases.ts';
import type { ReadContext } from './read-context.ts';
import type { ReadResult } from './read-trees.ts';
import type { ReadingSink } from './reading-sink.ts';

export interface CommitContext extends ReadContext {
  readonly run: RunId;
  readonly read: ReadResult;
  readonly evidence: ConsistencyEvidence;
}

/** The packs of a run, across the processes that it had. */
export interface StoredForRun {
  readonly packs: readonly PackId[];
  stored(pack: PackId): void;
}

export interface Sink<Report> extends AsyncDisposable {
  /** Ends when what is written may no longer count. */
  readonly signal: AbortSignal;
  /** Of the store that is written to, by which it is known where it lies within what is read. */
  readonly configMark?: ConfigMark;
  /** Where a run can be taken up when its process has died: what seals what has to be known for that. */
  readonly vault?: Vault;
  /** Whether the host waits for the commit, which is short then; else it is released first. */
  readonly commitsAtOnce: boolean;
  /** Resolves when nothing can be in the way of writing any more; before that nothing is made on a host. */
  readonly settled: Promise<void>;
  /** Called once, before the first pass. @param stored of the run so far, and what is told of it from here on */
  begin(stored: StoredForRun | undefined, signal: AbortSignal): Promise<ReadingSink>;
  /** What was read counts when it resolves, and not before. */
  commit(context: CommitContext, phase: RunPhase<'backup' | 'export'>, signal: AbortSignal): Promise<Report>;
}
