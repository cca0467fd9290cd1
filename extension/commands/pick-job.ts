/** Choosing one of the jobs from a list. */
import * as vscode from 'vscode';
import type { Job } from '../../shared/domain/job.ts';
import { jobStatus } from '../texts/job-words.ts';
import { formatTime } from '../texts/wording.ts';
import { jobTitle } from '../verbs.ts';
import type { CommandPorts } from './ports.ts';

export async function pickJob(
  ports: CommandPorts,
  title: string,
  none: string,
  fits: (job: Job) => boolean,
): Promise<Job | undefined> {
  const jobs = (await ports.feed.list()).filter(fits);
  if (jobs.length === 0) {
    ports.notify.information(none);
    return undefined;
  }
  const { t } = ports.wording;
  const picked = await vscode.window.showQuickPick(
    jobs.map((job) => ({
      label: jobTitle(job.request, t),
      description: jobStatus(job, t),
      detail: formatTime(job.createdAt, ports.wording),
      job,
    })),
    { title, placeHolder: vscode.l10n.t('Which job?') },
  );
  return picked?.job;
}
