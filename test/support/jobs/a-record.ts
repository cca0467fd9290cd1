/** The record of a new job, for tests of what becomes of it. */
import { newJobId } from '../../../shared/domain/names.ts';
import { planIdOf } from '../../../shared/domain/plan-id.ts';
import type { JobRecord } from '../../../shared/jobs/records.ts';

export function aRecord(facts: Pick<JobRecord, 'request' | 'starter'> & Partial<JobRecord>): JobRecord {
  return {
    version: 2,
    id: newJobId(),
    configFile: '/c',
    identity: planIdOf(facts.request),
    createdAt: '2026-01-01T00:00:00.000Z',
    ...facts,
  };
}
