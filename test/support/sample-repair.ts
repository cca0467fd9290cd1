/** An example of a repair. */
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import { repairPlan } from '../../shared/domain/repair-plan.ts';
import type { RepairReport } from '../../shared/domain/verbs/repair.ts';

export const sampleRepair: RepairReport = {
  kind: 'repair',
  applied: false,
  plan: repairPlan(parsePlanId('0123456789abcdef'), {
    part: 'packs',
    writes: [{ object: 'new packs', reason: 'hold 13 good blobs of pack 09af1b2c' }],
    removes: [
      { object: 'pack 09af1b2c', reason: 'does not match its name, damaged blobs: 1 of 14' },
      { object: 'index 5e6f7a8b', reason: 'a new index replaces it' },
    ],
    lost: [
      {
        object: 'content of restore points',
        reason: 'The file of pack 09af1b2c does not match its name.',
        affects: ['3a7b9c12:/etc/passwd'],
      },
    ],
    notes: [{ object: 'pack 77c1d2e3', reason: 'is not there; run "stillpoint repair index"' }],
  }),
};
