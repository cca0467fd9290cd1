import { describe, expect, test } from 'vitest';
import { jobsNodeView } from '../../../extension/tree/jobs-nodes.ts';
import type { Job, JobState } from '../../../shared/domain/job.ts';
import { aJob } from './builders.ts';
import { english } from './wording.ts';

const view = (job: Job) => jobsNodeView({ kind: 'job', job, isForeign: false }, english);

test('a running job tells its phase and how far it is', () => {
  expect(view(aJob())).toMatchObject({
    id: 'job/0123456789abcdef',
    label: 'Back up "shop"',
    description: 'Reading, 25 %',
    context: 'job.running',
  });
});

test('a job without a known whole claims no percentage', () => {
  const progress = { filesDone: 3, filesTotal: undefined, bytesDone: 250, bytesTotal: undefined };
  expect(view(aJob({ progress })).description).toBe('Reading');
});

test('a job that is cleaning up cannot be cancelled again', () => {
  expect(view(aJob({ state: 'cancelling' }))).toMatchObject({
    description: 'cancelling, cleaning up',
    context: 'job.cancelling',
  });
});

describe('a finished job', () => {
  const finishedAt = '2026-11-23T04:06:24.000Z';
  test.each(['succeeded', 'failed', 'cancelled', 'interrupted'] as const satisfies readonly JobState[])(
    'says %s in words, with its time',
    (state) => {
      const shown = view(aJob({ state, finishedAt, phase: undefined }));
      expect(shown.description).toBe(`${state}, 23 Nov 2026, 04:06:24`);
      expect(shown.accessibleLabel).toContain(state);
      expect(shown.context).toBe('job.finished');
      expect(shown.tooltip).toContain('took 1 min 23 s');
    },
  );

  test('that failed tells why and what to do', () => {
    const error = { code: 'snapshot.no-room', message: 'No room in "vg0".', advice: 'Free 1 GiB.', details: {} };
    expect(view(aJob({ state: 'failed', finishedAt, error })).tooltip).toContain('No room in "vg0".\nFree 1 GiB.');
  });
});

test('a job of another configuration names its file, because its names mean something else', () => {
  const shown = jobsNodeView({ kind: 'job', job: aJob({ configFile: '/etc/s.jsonc' }), isForeign: true }, english);
  expect(shown.description).toBe('Reading, 25 %, /etc/s.jsonc');
  expect(shown.tooltip).toContain('Started from another configuration: /etc/s.jsonc');
});
