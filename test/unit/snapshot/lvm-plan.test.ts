/** A plan of snapshots: a lack of room is reported for all volumes at once, and what a person should know is a risk. */
import { describe, expect, test } from 'vitest';
import { isStillpointError } from '../../../shared/base/errors.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import type { ThickItem } from '../../../shared/snapshot/lvm/thick/item.ts';
import type { StoragePlan } from '../../../shared/snapshot/provider.ts';
import { detectOnGuest, guestGroups, guestMounts, guestStorage, guestVolumes } from './fixtures.ts';

const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };

function plan(freeExtents: number, attr = '-wi-ao----'): StoragePlan {
  const groups = guestGroups().map((group) => ({ ...group, vg_free_count: freeExtents }));
  const volumes = guestVolumes().map((lv) => ({ ...lv, lv_attr: lv.lv_name === 'files' ? attr : lv.lv_attr }));
  const storage = guestStorage({ groups, volumes });
  const detected = detectOnGuest(guestMounts(), [storage]);
  const wanted = detected.filter(({ volume }) => ['vg0/files', 'vg0/mysql'].includes(volume.label));
  return storage.plan(wanted, identity);
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
    expect(code).toBe('snapshot.no-room');
    expect(lines).toEqual([
      'There is no room on "db1" for 2 of 2 snapshots:',
      expect.stringMatching(
        /"vg0" on "db1" has [\d.]+ MiB free; a snapshot of "(files|mysql)".*vgextend vg0/,
      ) as unknown,
      expect.stringMatching(
        /has [\d.]+ MiB free, of which nothing is left beside the snapshots of other volumes; a snapshot of "(files|mysql)" needs/,
      ) as unknown,
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
    for (const item of plan(1000).items) {
      const { extents, leastExtents } = (item as ThickItem).order;
      expect(leastExtents).toBeGreaterThan(0);
      expect(leastExtents).toBeLessThanOrEqual(extents);
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
