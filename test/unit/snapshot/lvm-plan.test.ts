/** A plan of snapshots: a lack of room is reported for all volumes at once, and what a person should know is a risk. */
import { describe, expect, test } from 'vitest';
import { isStillpointError } from '../../../shared/base/errors.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { detectVolumes } from '../../../shared/snapshot/detect.ts';
import { lvmThickProvider } from '../../../shared/snapshot/lvm/provider.ts';
import type { SnapshotPlan } from '../../../shared/snapshot/provider.ts';
import type { Survey } from '../../../shared/snapshot/survey.ts';
import { guestFacts, guestGroups, guestMounts, guestVolumes } from './fixtures.ts';

const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };

function plan(freeExtents: number, attr = '-wi-ao----'): SnapshotPlan {
  const groups = guestGroups().map((group) => ({ ...group, vg_free_count: freeExtents }));
  const volumes = guestVolumes().map((lv) => ({ ...lv, lv_attr: lv.lv_name === 'files' ? attr : lv.lv_attr }));
  const detected = detectVolumes(guestMounts(), guestFacts({ groups, volumes }));
  const survey = { groups, volumes: detected, writtenBytesPerSecond: new Map() } as unknown as Survey;
  const wanted = detected.filter(({ volume }) => ['vg0/files', 'vg0/mysql'].includes(volume.label));
  return lvmThickProvider.plan(wanted, survey, identity, 'db1');
}

function refusal(freeExtents: number): { code: string; lines: string[]; advice: string } {
  try {
    plan(freeExtents);
  } catch (error) {
    if (isStillpointError(error)) return { code: error.code, lines: error.message.split('\n'), advice: error.advice };
  }
  throw new Error('there was room');
}

describe('a plan of snapshots', () => {
  test('names every volume without room, not the first one alone', () => {
    const { code, lines } = refusal(10);
    expect(code).toBe('lvm.no-room');
    expect(lines).toEqual([
      'There is no room on "db1" for 2 of 2 snapshots:',
      expect.stringMatching(
        /"vg0" on "db1" has .* free for it; a snapshot of "(files|mysql)".*vgextend vg0/,
      ) as unknown,
      expect.stringMatching(/a snapshot of "(files|mysql)" needs/) as unknown,
    ]);
  });

  test('never advises to make a volume smaller, which takes the end of a file system with it', () => {
    for (const extents of [0, 10, 100]) {
      const { lines, advice } = refusal(extents);
      expect([...lines, advice].join()).not.toMatch(/lvreduce|lvresize/);
    }
  });

  test('names the one volume for which room is left no more', () => {
    expect(refusal(100).lines).toEqual([expect.stringContaining('a snapshot of') as unknown]);
  });

  test('takes no less than is needed where others are quicker', () => {
    for (const { planned, leastBytes } of plan(1000).items) {
      expect(leastBytes).toBeGreaterThan(0);
      expect(leastBytes).toBeLessThanOrEqual(planned.sizeBytes);
    }
  });

  test.each([
    ['-wi-ao----', undefined],
    ['owi-aos---', /has a snapshot already/],
    ['Rwi-aor---', /RAID that is not whole/],
    ['rwi-aor-r-', /RAID that is not whole/],
    ['rwi-aor-m-', /RAID that is not whole/],
    ['rwi-aor---', undefined],
  ])('with the attributes %s', (attr, risk) => {
    const risks = plan(1000, attr).risks.filter((each) => each.startsWith('vg0/files'));
    expect(risks).toEqual(risk === undefined ? [] : [expect.stringMatching(risk) as unknown]);
  });
});
