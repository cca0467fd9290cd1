/** What the page of the command line says of each exit code; the types hold the two together. */
import type { ExitCode } from '../../cli/exit-codes.ts';

export const EXIT_MEANING: Readonly<Record<ExitCode, string>> = {
  0: 'Done. For a backup: the restore point holds everything that was asked for.',
  1: 'Failed for a reason that has no number of its own; the code in brackets says which.',
  2: 'The command line does not make sense: an unknown command or option, a missing or contradicting argument.',
  3: 'The configuration: no such file, host, source or repository, a mistake in it, or a password that could not be obtained.',
  4: 'The host could not be reached or does not let us work: SSH, host key, login, sudo, a missing program.',
  5: 'The state of the host: a path, a volume, a snapshot, a service that could not be stopped, or one that did not come back, although the restore point may be saved.',
  6: 'The repository or its store.',
  7: 'The restore: the target folder cannot be used, or nothing could be restored into it.',
  8: 'Finished, but look at it: attributes of a file could not be saved, a check has findings, a repair cannot bring everything back, a restore point was not copied or cannot be read, a repository could not be asked for its restore points, what was restored comes from a restore point that is not whole, a sweep left something alone, a lock could not be removed, or something could not be cleaned up.',
  9: 'Done in part: something that was asked for is missing; the report names it. For a backup: the restore point is there, without what could not be saved, or with files that are perhaps torn. For a restore: entries are not in the folder, or not with their content.',
  130: 'Cancelled. Also when Ctrl-C stopped following a job, which continues in its own process.',
  141: 'The reader of standard output went away, as in "stillpoint list | head". A job that was being followed continues.',
};
