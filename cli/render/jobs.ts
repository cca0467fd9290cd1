/** Jobs, as a list and one by one. */
import { isFinished, type Job } from '../../shared/domain/job.ts';
import { isPartial } from '../../shared/domain/verbs/verbs.ts';
import { describeRequest, renderResult } from '../verbs.ts';
import { renderError } from './error.ts';
import { type Column, renderFacts, renderTable } from './table.ts';
import { formatDuration, formatTime, type Paint, shown } from './text.ts';

function took(job: Job): string {
  if (job.startedAt === undefined || job.finishedAt === undefined) return '-';
  return formatDuration(Date.parse(job.finishedAt) - Date.parse(job.startedAt));
}

const stateOf = (job: Job): string => (isPartial(job.result) ? 'partial' : job.state);

const JOBS: readonly Column<Job>[] = [
  { title: 'ID', cell: (job) => job.id },
  { title: 'WHAT', cell: (job) => describeRequest(job.request) },
  { title: 'STATE', cell: stateOf },
  { title: 'PHASE', cell: (job) => (isFinished(job.state) ? '-' : (job.phase ?? '-')) },
  { title: 'CREATED', cell: (job) => formatTime(job.createdAt) },
  { title: 'TOOK', align: 'right', cell: took },
];

/** Names mean what the job's own configuration says, so where another one than `configFile` is among them, all are named. */
export function renderJobs(jobs: readonly Job[], configFile: string, paint: Paint): string {
  if (jobs.length === 0) return 'No jobs yet.\n';
  const isMixed = jobs.some((job) => job.configFile !== configFile);
  const configuration: Column<Job> = { title: 'CONFIGURATION', cell: (job) => shown(job.configFile) };
  return renderTable(isMixed ? [...JOBS, configuration] : JOBS, jobs, paint);
}

export function renderJob(job: Job, paint: Paint): string {
  const facts: [string, string][] = [
    ['state', stateOf(job)],
    ['configuration', shown(job.configFile)],
    ['created', formatTime(job.createdAt)],
    ['started', formatTime(job.startedAt)],
    ['finished', formatTime(job.finishedAt)],
  ];
  if (!isFinished(job.state) && job.phase !== undefined) facts.push(['phase', job.phase]);
  const parts = [`${paint('bold', `Job ${job.id}`)}  ${describeRequest(job.request)}\n${renderFacts(facts)}`];
  if (job.result !== undefined) parts.push(renderResult(job.result, paint));
  if (job.error !== undefined) parts.push(renderError(job.error, paint));
  return parts.join('');
}
