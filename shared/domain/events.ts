/**
 * What a run reports while it lasts. One union for all shells: no words of a user interface, no rates; those are
 * computed by the shells that draw them. Each event is stored as a line of the job's log, so everything in it is plain
 * JSON.
 */
import type { ErrorRecord } from '../base/errors.ts';
import type { FillForecast, FillingSnapshot } from './fill-forecast.ts';
import type { RunFacts, StoreCounts, TargetState } from './run-facts.ts';
import type { TurnTaken } from './turn.ts';
import type { JobResult, Phase } from './verbs/verbs.ts';

export interface Progress {
  readonly filesDone: number;
  readonly filesTotal: number | undefined;
  readonly bytesDone: number;
  readonly bytesTotal: number | undefined;
}

export type RunEventBody =
  /** Before the start: another job has the host for itself. `behind` is its id, where it is one of the same user. */
  | { readonly type: 'job-waiting'; readonly behind: string | undefined }
  | { readonly type: 'job-started' }
  | { readonly type: 'phase-started'; readonly phase: Phase }
  | { readonly type: 'phase-finished'; readonly phase: Phase; readonly durationMs: number }
  /** What earlier runs left on a host is about to be removed, and was. */
  | { readonly type: 'host-sweeping'; readonly host: string }
  | { readonly type: 'host-swept'; readonly host: string; readonly removed: readonly string[] }
  /** From here on something of the run may be on the host. */
  | { readonly type: 'lease-arming'; readonly host: string; readonly run: string }
  | { readonly type: 'lease-armed'; readonly host: string; readonly run: string; readonly leaseMs: number }
  | { readonly type: 'lease-released'; readonly host: string; readonly run: string }
  /** Another run has what this one needs there; it is waited for. Said once for each that has it. */
  | ({ readonly type: 'turn-waiting'; readonly host: string } & TurnTaken)
  /** What the run holds on the host stays for as long as its lease; until then the run waits for the host. */
  | { readonly type: 'connection-lost'; readonly host: string; readonly leaseMs: number }
  /** It goes on where it was. */
  | { readonly type: 'connection-back'; readonly host: string; readonly lostMs: number }
  /** The run of a process that is gone goes on in this job, on the snapshots that it had made. */
  | {
      readonly type: 'run-taken-up';
      readonly host: string;
      readonly run: string;
      /** The instant of its snapshots, on our clock, ISO 8601. */
      readonly of: string;
    }
  | {
      readonly type: 'snapshot-created';
      readonly volume: string;
      readonly snapshot: string;
      /** An upper bound of the time for which writers to this volume were held. */
      readonly freezeMs: number;
      readonly sizeBytes: number;
    }
  /** The names under which snapshots stay are about to be given; the next ones say which have theirs. */
  | { readonly type: 'snapshots-keeping'; readonly host: string }
  /** It has another name from now on, under which it stays. */
  | { readonly type: 'snapshot-kept'; readonly volume: string; readonly snapshot: string }
  /** One that fills will be full soon, is much closer to that than was said, or is no more expected to be. */
  | ({ readonly type: 'fill-forecast'; readonly host: string; readonly snapshot: string } & FillingSnapshot &
      FillForecast)
  | {
      readonly type: 'snapshot-removed';
      readonly volume: string;
      readonly snapshot: string;
      readonly lifetimeMs: number;
    }
  /** About to be done; the next three say what came of it. */
  | {
      readonly type: 'restore-point-changing';
      readonly repository: string;
      readonly restorePoint: string;
      readonly wanted: 'saved' | 'removed';
    }
  | { readonly type: 'restore-point-saved'; readonly repository: string; readonly restorePoint: string }
  | { readonly type: 'restore-point-removed'; readonly repository: string; readonly restorePoint: string }
  /** The first pack or index file is about to be written or removed. */
  | { readonly type: 'store-changing'; readonly repository: string }
  /** Counted from the beginning of the job. */
  | ({ readonly type: 'store-changed'; readonly repository: string } & StoreCounts)
  /** "restore point 0a1b2c3d was saved": what was begun and may or may not have happened. */
  | { readonly type: 'store-unsure'; readonly repository: string; readonly what: string }
  | { readonly type: 'target-changed'; readonly path: string; readonly work: string; readonly state: TargetState }
  | ({ readonly type: 'progress'; readonly phase: Phase } & Progress)
  | { readonly type: 'item-skipped'; readonly path: string; readonly reason: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string; readonly advice: string }
  | { readonly type: 'cleanup-failed'; readonly what: string; readonly error: ErrorRecord }
  | {
      readonly type: 'job-finished';
      readonly outcome: JobOutcome;
      readonly result?: JobResult;
      /** Its advice begins with what the end means, computed from the facts. */
      readonly error?: ErrorRecord;
      /** What the job did that lasts. Absent where the process that ran it said nothing and left no log. */
      readonly facts?: RunFacts;
    };

export type JobOutcome = 'succeeded' | 'failed' | 'cancelled' | 'interrupted';

/** An event as it is stored: `seq` rises by one within a job, `at` is ISO 8601 in UTC. */
export type RunEvent = RunEventBody & { readonly seq: number; readonly at: string };

/** Where a verb of the pipeline reports to. It never throws into the pipeline. */
export type EmitEvent = (event: RunEventBody) => void;
