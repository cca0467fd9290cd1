/** What a run says of its snapshots. */
import { expect, test } from 'vitest';
import { freezeMs } from '../../../shared/pipeline/backup/snapshot-report.ts';
import type { TakenSnapshot } from '../../../shared/snapshot/provider.ts';

test.each([
  [1000, 1000.34, 350],
  [1000, 1000, 10],
])(
  'writers are held for at most the time of the one program that makes the snapshot: from %d to %d s',
  (from, to, ms) => {
    const taken = { beforeUptime: from, afterUptime: to } as TakenSnapshot;
    expect(freezeMs(taken)).toBe(ms);
  },
);
