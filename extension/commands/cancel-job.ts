/** Cancel Job: asks the job's process to stop and clean up, whichever shell started it. */
import * as vscode from 'vscode';
import { isFinished } from '../../shared/domain/job.ts';
import { cancelWords, jobTitle } from '../verbs.ts';
import { nodeOf } from './node-argument.ts';
import { pickJob } from './pick-job.ts';
import type { CommandPorts } from './ports.ts';

/** `argument`: a job's node or nothing. */
export async function cancelJob(ports: CommandPorts, argument: unknown): Promise<void> {
  const chosen =
    nodeOf(argument, 'job')?.job ??
    (await pickJob(
      ports,
      vscode.l10n.t('Cancel Job'),
      vscode.l10n.t('No job is running or waiting; there is nothing to cancel.'),
      (job) => !isFinished(job.state),
    ));
  if (chosen === undefined) return;
  const job = await ports.core.use((stillpoint) => stillpoint.cancelJob(chosen.id));
  ports.feed.refresh();
  const { t } = ports.wording;
  const title = jobTitle(job.request, t);
  if (isFinished(job.state)) ports.notify.information(t('{0} has ended already.', title));
  else ports.notify.information(t('Cancelling: {0}. {1}', title, cancelWords(job.request.kind, job.phase, t)));
}
