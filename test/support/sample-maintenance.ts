/** Examples of forgetting and pruning. */
import { forgetPlan } from '../../shared/domain/forget-plan.ts';
import { hostName, restorePointId } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import { prunePlan } from '../../shared/domain/prune-plan.ts';
import { sweepPlan } from '../../shared/domain/sweep-plan.ts';
import type { ForgetReport } from '../../shared/domain/verbs/forget.ts';
import type { PruneReport } from '../../shared/domain/verbs/prune.ts';
import { samplePoint } from './sample-data.ts';

const MIB = 1024 ** 2;
const OLD = restorePointId('c4'.repeat(32));

export const samplePrunePlan = prunePlan(parsePlanId('0123456789abcdef'), {
  options: { maxUnused: '5%' },
  figures: {
    packs: { keep: 120, repack: 2, unused: 3, unreferenced: 1, missing: 0 },
    blobs: { used: 20_081, unused: 640, duplicates: 3 },
    bytes: {
      stored: 2048 * MIB,
      used: 1900 * MIB,
      unused: 132 * MIB,
      freed: 76 * MIB,
      rewritten: 20 * MIB,
      unusedAfter: 72 * MIB,
    },
  },
  repack: ['1a'.repeat(32), '2b'.repeat(32)],
  unused: ['3c'.repeat(32), '4d'.repeat(32), '5e'.repeat(32)],
  unreferenced: ['6f'.repeat(32)],
  missing: [],
});

export const sampleForgetPlan = forgetPlan(parsePlanId('fedcba9876543210'), {
  groups: [
    {
      ...{ host: 'db1', paths: ['/var/lib/mysql'], tags: undefined, source: undefined },
      points: [
        {
          ...{ id: samplePoint.id, time: samplePoint.time, hostname: 'db1', paths: ['/var/lib/mysql'], tags: [] },
          ...{ forget: false, setAside: false, reason: 'daily' },
        },
        {
          ...{ id: OLD, time: '2026-11-22T03:00:00.000Z', hostname: 'db1', paths: ['/var/lib/mysql'], tags: [] },
          ...{ forget: true, setAside: false, reason: 'no rule keeps it' },
        },
      ],
    },
  ],
  forget: [OLD],
  keep: 1,
  notes: [],
  unreadable: [],
  prune: samplePrunePlan,
});

export const samplePrune: PruneReport = {
  kind: 'prune',
  plan: samplePrunePlan.id,
  figures: samplePrunePlan.figures,
  packsDeleted: 6,
  packsWritten: 2,
  bytesWritten: 20 * MIB,
};

export const sampleForget: ForgetReport = {
  kind: 'forget',
  plan: sampleForgetPlan.id,
  forgotten: sampleForgetPlan.forget,
  kept: 1,
  notes: [],
  unreadable: [],
  prune: samplePrune,
};

export const sampleSweepPlan = sweepPlan({
  host: hostName('db1'),
  removes: ['vg0/sp_0000aaaa_11111111', '/run/stillpoint/0000aaaa'],
  keeps: [{ object: '/run/stillpoint/7f3c01ab', reason: 'a run is using it now' }],
});
