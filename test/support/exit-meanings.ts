/** What the page of the command line says of each exit code; the types hold the two together. */
import type { ExitCode } from '../../cli/exit-codes.ts';
import { shownVerb } from '../../cli/verbs.ts';
import type { JobKind } from '../../shared/domain/verbs/verbs.ts';

export const EXIT_MEANING: Readonly<Record<ExitCode, string>> = {
  0: 'Done. For a backup: the restore point holds everything that was asked for.',
  1: 'Failed for a reason that has no number of its own; the code in brackets says which.',
  2: 'The command line does not make sense: an unknown command or option, a missing or contradicting argument, something that cannot be a name, an id, a time or a size, or a filter with a name that nothing has. Also where a person has to agree and nobody can be asked: `setup` and `snapshot remove` without `--yes`, and `prepare`.',
  3: 'The configuration: no such file, host, source or repository, a mistake in it, or a password that could not be obtained.',
  4: 'The host could not be reached or does not let us work: SSH, host key, login, sudo, a missing program.',
  5: 'The state of the host: a path, a volume, a snapshot, an application that could not be held, a dump that failed, a service that could not be stopped, or one that did not come back, although the restore point may be saved.',
  6: 'The repository or its store.',
  7: 'The target of a restore or an export: it cannot be used, or nothing could be written into it.',
  8: 'Finished, but look at it: which command leaves so and why is below. Also every job that could not clean up something; it names that.',
  9: 'Done in part: something that was asked for is missing, and the report names it; see below.',
  130: 'Cancelled. Also when Ctrl-C stopped following a job, which continues in its own process.',
  141: 'The reader of standard output went away, as in "stillpoint list | head". A job that was being followed continues.',
};

const KINDS: Readonly<Record<JobKind, true>> = {
  ...{ backup: true, export: true, restore: true, check: true, verify: true, copy: true, sweep: true, forget: true },
  ...{ 'keep-snapshots': true, 'drop-snapshots': true, prune: true, repair: true },
};

/** Of every kind of job, what makes it leave with 8 and with 9. */
export const ENDS_OF_JOBS = Object.keys(KINDS).map((key) => {
  const kind = key as JobKind;
  return { kind, ends: shownVerb({ kind }).ends ?? {} };
});
