import { expect, test } from 'vitest';
import { hostName, newRunId, ownerId } from '../../../shared/domain/names.ts';
import { termsOf } from '../../../shared/pipeline/backup/terms.ts';
import type { PlannedHold } from '../../../shared/quiesce/hook.ts';
import { holdOf } from '../../../shared/quiesce/service/hook.ts';

const run = newRunId();
const leaseOf = (leaseSeconds: number, ...holds: PlannedHold['holds'][]): number =>
  termsOf(
    {
      ...{ run, owner: ownerId('00112233aabb'), items: [], unplanned: [], risks: [] },
      holds: holds.map((until) => holdOf('shop', run, { holds: until })),
    },
    {
      ...{ name: hostName('lab'), ssh: 'lab', sshConfigFile: undefined, sudo: 'none' },
      ...{ leaseSeconds, maxClockSkewSeconds: 86_400 },
    },
  ).leaseSeconds;

test('a lease is as long as the host has it in the configuration', () => {
  expect(leaseOf(1800)).toBe(1800);
  expect(leaseOf(1800, 'until-snapshots')).toBe(1800);
});

test('services that are stopped until the last read are not stopped for long when nobody is heard of any more', () => {
  expect(leaseOf(1800, 'until-snapshots', 'until-read')).toBe(120);
  expect(leaseOf(60, 'until-read')).toBe(60);
});
