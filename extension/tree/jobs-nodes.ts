/** The nodes of the view Jobs and how each looks. */
import type { Job } from '../../shared/domain/job.ts';
import { isFinished } from '../../shared/domain/job.ts';
import { isPartial } from '../../shared/domain/verbs/verbs.ts';
import { jobDuration, jobStatus } from '../texts/job-words.ts';
import { formatTime, type Wording } from '../texts/wording.ts';
import { jobTitle, resultWords } from '../verbs.ts';
import { type ProblemNode, problemView } from './hosts-nodes.ts';
import type { NodeView } from './node-view.ts';

/** `isForeign`: the job's names are those of another configuration than the editor's. */
export type JobsNode = { readonly kind: 'job'; readonly job: Job; readonly isForeign: boolean } | ProblemNode;

export function jobsNodeView(node: JobsNode, wording: Wording): NodeView {
  if (node.kind === 'problem') return problemView(node, wording.t);
  const { t } = wording;
  const { job, isForeign } = node;
  const title = jobTitle(job.request, t);
  const status = jobStatus(job, t);
  const time = formatTime(job.finishedAt ?? job.startedAt ?? job.createdAt, wording);
  const duration = jobDuration(job);
  return {
    id: `job/${job.id}`,
    label: title,
    description: [status, ...(isFinished(job.state) ? [time] : []), ...(isForeign ? [job.configFile] : [])].join(', '),
    tooltip: [
      `${title}: ${status}`,
      duration === undefined ? time : t('{0}, took {1}', time, duration),
      ...(isForeign ? [t('Started from another configuration: {0}', job.configFile)] : []),
      ...(job.result === undefined ? [] : [resultWords(job.result, t)]),
      ...(job.error === undefined ? [] : [`${job.error.message}\n${job.error.advice}`]),
    ].join('\n\n'),
    ...stateIcon(job),
    context: isFinished(job.state) ? 'job.finished' : job.state === 'cancelling' ? 'job.cancelling' : 'job.running',
    accessibleLabel: t('{0}, {1}, {2}', title, status, time),
    children: 'none',
    shows: { command: 'stillpoint.showJobLog', title: t('Show Job Log') },
  };
}

function stateIcon(job: Job): Pick<NodeView, 'icon' | 'colour'> {
  switch (job.state) {
    case 'queued':
      return { icon: 'clock' };
    case 'running':
    case 'cancelling':
      return { icon: 'sync~spin' };
    case 'succeeded':
      if (job.result !== undefined && isPartial(job.result)) return { icon: 'warning', colour: 'charts.yellow' };
      return { icon: 'check', colour: 'charts.green' };
    case 'failed':
      return { icon: 'error', colour: 'list.errorForeground' };
    case 'cancelled':
      return { icon: 'circle-slash' };
    case 'interrupted':
      return { icon: 'debug-disconnect', colour: 'charts.yellow' };
  }
}
