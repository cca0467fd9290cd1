/** `stillpoint restore POINT [PATH…] --to -`: standard output gets the tar stream and nothing else. */
import { abortable } from '../../shared/base/cancel.ts';
import { StillpointError } from '../../shared/base/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { renderStream } from '../render/restore.ts';
import type { Shell } from '../shell.ts';
import { scopeOf } from './filter.ts';
import { noLockOf } from './no-lock.ts';
import { type RestoreOptions, wantedPart } from './restore-options.ts';

export async function restoreToStream(
  shell: Shell,
  point: string,
  paths: readonly string[],
  options: RestoreOptions,
): Promise<void> {
  const { output } = shell.surroundings;
  refuseOptions(options);
  if (output.isTerminal) throw toTerminal();
  const aside = shell.onStandardError();
  await aside.query(async (stillpoint, signal) => {
    const wanted = wantedPart(paths, options);
    const { point: found, notes } = await stillpoint.findRestorePoint(scopeOf(options), point, signal);
    const report = await stillpoint.streamPoint(
      { repository: found.repository, restorePoint: found.id, ...wanted, ...noLockOf(options) },
      (part) => abortable(output.write(part), signal),
      signal,
    );
    if (report.leftOut.count > 0) shell.exitCode = EXIT.partial;
    else if (report.gaps !== undefined) shell.lookAt('restore --to -');
    const isSilent = shell.isQuiet && shell.exitCode === EXIT.ok;
    return { document: report, notes, text: (paint) => (isSilent ? '' : renderStream(report, paint)) };
  });
  if (aside.exitCode !== EXIT.ok) shell.exitCode = aside.exitCode;
}

function refuseOptions({ detach, rename, overwrite, dryRun }: RestoreOptions): void {
  const options = {
    ...{ '--detach': detach === true, '--rename': rename === true },
    ...{ '--overwrite': overwrite !== undefined, '--dry-run': dryRun === true },
  };
  const [given] = Object.entries(options).find(([, isGiven]) => isGiven) ?? [];
  if (given === undefined) return;
  throw new StillpointError('usage.invalid', `${given} does not go with "--to -".`, {
    advice: 'Leave it out, or name a folder; one that is called "-" is written "./-".',
    cause: undefined,
  });
}

function toTerminal(): StillpointError {
  return new StillpointError('usage.invalid', 'A tar stream is nothing for a terminal.', {
    advice: 'Lead it into a file or a program, such as: stillpoint restore latest --to - | tar -t',
    cause: undefined,
  });
}
