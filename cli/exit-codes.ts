/**
 * The exit codes of `stillpoint`. Scripts depend on them: a number is never given another meaning.
 *
 * A failure's number follows from the first word of its error code, so that a new error code of a known area needs no
 * change here. `docs/cli.md` prints this table; a test keeps it true.
 */
import type { JobOutcome } from '../shared/domain/events.ts';
import type { RunFacts } from '../shared/domain/run-facts.ts';
import { isPartial, type JobResult } from '../shared/domain/verbs/verbs.ts';
import { shownVerb } from './verbs.ts';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  configuration: 3,
  connection: 4,
  host: 5,
  repository: 6,
  restore: 7,
  findings: 8,
  partial: 9,
  cancelled: 130,
  brokenPipe: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The first word of an error code → the exit code. `run.cancelled` and `output.closed` have numbers of their own. */
export const EXIT_OF_AREA: Readonly<Record<string, ExitCode>> = {
  internal: EXIT.failed,
  usage: EXIT.usage,
  config: EXIT.configuration,
  ssh: EXIT.connection,
  remote: EXIT.connection,
  host: EXIT.host,
  snapshot: EXIT.host,
  quiesce: EXIT.host,
  dump: EXIT.host,
  read: EXIT.host,
  repository: EXIT.repository,
  backend: EXIT.repository,
  restore: EXIT.restore,
  export: EXIT.restore,
  job: EXIT.failed,
  plan: EXIT.failed,
  run: EXIT.failed,
  output: EXIT.failed,
};

export function exitCodeOf(errorCode: string): ExitCode {
  if (errorCode === 'run.cancelled') return EXIT.cancelled;
  if (errorCode === 'output.closed') return EXIT.brokenPipe;
  return EXIT_OF_AREA[errorCode.split('.', 1)[0] ?? ''] ?? EXIT.failed;
}

/** The exit code of a command that followed a job to its end. */
export function exitCodeOfJob(
  outcome: JobOutcome,
  result: JobResult | undefined,
  errorCode: string | undefined,
  facts?: RunFacts,
): ExitCode {
  switch (outcome) {
    case 'succeeded':
      if (isPartial(result)) return EXIT.partial;
      if (result !== undefined && shownVerb(result).hasFindings?.(result) === true) return EXIT.findings;
      return facts === undefined || facts.left.length === 0 ? EXIT.ok : EXIT.findings;
    case 'cancelled':
      return EXIT.cancelled;
    case 'failed':
    case 'interrupted':
      return exitCodeOf(errorCode ?? 'job.interrupted');
  }
}
