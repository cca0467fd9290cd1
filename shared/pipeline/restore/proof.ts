/** The last word on a restore: as many entries in the work folder as were sent there and not refused by tar. */
import { StillpointError } from '../../base/errors.ts';
import type { RestoreReport } from '../../domain/verbs/restore.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Outcome } from './outcome.ts';
import { type WorkFolder } from './target.ts';
import { countRestored } from './work-commands.ts';

export type Figures = Pick<RestoreReport, 'files' | 'folders' | 'others'>;

/** What is there. Fails with `restore.failed` where that is not what was restored. */
export async function prove(
  host: RemoteHost,
  folder: WorkFolder,
  outcome: Outcome,
  signal: AbortSignal,
): Promise<Figures> {
  const { files, folders, others } = outcome.sent;
  const sent: Figures = { files, folders, others };
  const { isWhole, ...counted } = await host.run(countRestored(folder), signal);
  const isSame = counted.files === files && counted.folders === folders && counted.others === others;
  if (isSame || (outcome.refused > 0 && totalOf(counted) + outcome.refused === totalOf(sent))) return counted;
  if (!isWhole) {
    outcome.remark(
      'The restored entries could not all be counted, since some of the folders are closed to this user.',
      'tar named no entry that it could not make. Restore as root to have them counted.',
    );
    return sent;
  }
  throw new StillpointError(
    'restore.failed',
    `${counted.files} files, ${counted.folders} folders and ${counted.others} others were found where ${files}, ${folders} and ${others} were restored.`,
    {
      advice: `Entries are missing, or the disk does not keep what is written to it. Restore again into another folder.`,
      details: { counted, sent, refused: outcome.refused },
      cause: undefined,
    },
  );
}

function totalOf({ files, folders, others }: Figures): number {
  return files + folders + others;
}
