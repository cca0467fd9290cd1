/** Show Job Log: opens the log, which grows while the job runs. */
import * as vscode from 'vscode';
import { type JobId, jobId } from '../../shared/domain/names.ts';
import { jobLogUri } from '../job-log-document.ts';
import { nodeOf } from './node-argument.ts';
import { pickJob } from './pick-job.ts';
import type { CommandPorts } from './ports.ts';

/** `argument`: a job's node, its id, or nothing. */
export async function showJobLog(ports: CommandPorts, argument: unknown): Promise<void> {
  const id = await chooseJob(ports, argument);
  if (id === undefined) return;
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(jobLogUri(id)), { preview: true });
}

async function chooseJob(ports: CommandPorts, argument: unknown): Promise<JobId | undefined> {
  if (typeof argument === 'string') return jobId(argument);
  const node = nodeOf(argument, 'job');
  if (node !== undefined) return node.job.id;
  const none = vscode.l10n.t('There are no jobs yet. A job is started by "Back Up Now", and has its log from then on.');
  return (await pickJob(ports, vscode.l10n.t('Show Job Log'), none, () => true))?.id;
}
