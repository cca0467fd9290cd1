/** A plan of thin snapshots: refused by numbers with the line that would help, or made with what a person should know. */
import { describe, expect, test } from 'vitest';
import { isStillpointError, type StillpointError } from '../../../shared/base/errors.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import type { LvmFacts } from '../../../shared/snapshot/lvm/survey.ts';
import type { ThinItem } from '../../../shared/snapshot/lvm/thin/item.ts';
import type { Measurement } from '../../../shared/snapshot/measure.ts';
import type { StoragePlan } from '../../../shared/snapshot/provider.ts';
import {
  aMount,
  detectOnGuest,
  guestGroups,
  guestThinStorage,
  guestVolumes,
  poolsWith,
  volumeCalled,
} from './fixtures.ts';

const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };
const GIB = 1024 ** 3;
/** As if `second` were another thin volume of the pool. */
const second = { ...volumeCalled('thin'), lv_name: 'second', lv_uuid: 'second', lv_kernel_minor: 77 };
const volumes = [...guestVolumes(), second];
const measurement = (more: Partial<Measurement>): Measurement => ({
  use: { sizeBytes: GIB, usedBytes: GIB },
  ...{ writtenPerSecond: 0, writesPerSecond: 0, hasExternalJournal: false },
  ...more,
});

function plan(more: Partial<LvmFacts> = {}, names = ['thin'], dead = false): StoragePlan {
  const first = guestThinStorage({ volumes, ...more });
  const storage = dead ? first.afterSweep(identity.owner, [identity.run]).storage : first;
  const mounts = [aMount('/srv/thin', { device: '254:6' }), aMount('/srv/second', { device: '254:77' })];
  const detected = detectOnGuest(mounts, [storage]);
  return storage.plan(
    detected.filter(({ volume }) => names.some((name) => volume.label === `vg0/${name}`)),
    identity,
  );
}

function refusal(...args: Parameters<typeof plan>): StillpointError {
  try {
    plan(...args);
  } catch (error) {
    if (isStillpointError(error)) return error;
    throw error;
  }
  throw new Error('there was room');
}

describe('a plan of thin snapshots', () => {
  test('gives no size, reserves nothing, and names pool and chunk for the watchman', () => {
    const [item] = plan().items;
    expect(item?.planned).toMatchObject({ volume: 'vg0/thin', sizeBytes: 0, freeBytesAfter: 0 });
    expect((item as ThinItem).order).toEqual({
      ...{ group: 'vg0', origin: 'thin', name: item?.planned.snapshot, pool: 'pool0' },
      ...{ chunkBytes: 65_536, fsType: 'ext4' },
    });
    expect(item?.lines.create).toBe(
      `lvcreate -y -s -n ${item?.planned.snapshot} -k y -K --addtag stillpoint --addtag sp.run=0123abcd --addtag sp.owner=00112233aabb vg0/thin`,
    );
    expect(item?.create.script).not.toMatch(/ -[lL] /);
  });

  test.each([
    ['80 % of its data', '13107/16384', '25/4096'],
    ['70 % of its metadata', '9/16384', '2867/4096'],
  ])('is made up to %s', (_, data, metadata) => {
    expect(plan({ pools: poolsWith(data, metadata) }).items).toHaveLength(1);
  });

  test('is refused above 80 % of the data, with the numbers and the line that helps', () => {
    const error = refusal({ pools: poolsWith('13108/16384') });
    expect(error.code).toBe('snapshot.no-room');
    expect(error.message).toBe(
      'The data of the thin pool "vg0/pool0" on "db1" is 80 % full (819 MiB of 1.0 GiB); a snapshot there is begun up to 80 %.',
    );
    // 819.25 MiB are 70 % of 1170.4 MiB, in extents of 4 MiB.
    expect(error.advice).toBe('"lvextend -L +148m vg0/pool0" makes it larger.');
  });

  test('is refused above 70 % of the metadata', () => {
    const error = refusal({ pools: poolsWith('9/16384', '2868/4096') });
    expect(error.message).toContain(
      'The metadata of the thin pool "vg0/pool0" on "db1" is 70 % full (11 MiB of 16 MiB)',
    );
    expect(error.advice).toBe('"lvextend --poolmetadatasize +4m vg0/pool0" makes it larger.');
  });

  test('says where the group has no room for a larger pool, and what a sweep would give', () => {
    const groups = guestGroups().map((group) => ({ ...group, vg_free_count: 3 }));
    const pools = poolsWith('16000/16384');
    expect(refusal({ pools, groups }).advice).toMatch(/only 12 MiB free: add a disk with "vgextend vg0 DEVICE"/);
    const left = {
      ...{ ...second, lv_name: 'sp_0123abcd_11111111', lv_attr: 'Vwi---tz-k', origin: 'thin', lv_kernel_minor: -1 },
      lv_tags: ['stillpoint', 'sp.run=0123abcd', `sp.owner=${identity.owner}`],
    };
    expect(refusal({ pools, volumes: [...volumes, left] }).advice).not.toContain('sweep');
    expect(refusal({ pools, volumes: [...volumes, left] }, ['thin'], true).advice).toContain('"stillpoint sweep db1"');
  });

  test('is refused where what is likely to be written is more than the pool has', () => {
    // 5 MiB a second for the 68 s that a GiB takes, and 102 MiB of room.
    const measured = new Map([['254:6', measurement({ writtenPerSecond: 5 * 1024 ** 2 })]]);
    const error = refusal({ measured, pools: poolsWith('13107/16384') });
    expect(error.code).toBe('snapshot.no-room');
    expect(error.message).toBe(
      'While "vg0/thin" on "db1" is read, 352 MiB are likely to be written to it; its thin pool "vg0/pool0" has room for 102 MiB until it is 90 % full.',
    );
    expect(plan({ measured }).items).toHaveLength(1);
  });

  test('counts a whole chunk for each request, and no volume more than once', () => {
    const pools = poolsWith('13107/16384');
    const measured = new Map([['254:6', measurement({ writtenPerSecond: 100 * 4096, writesPerSecond: 100 })]]);
    expect(refusal({ measured, pools }).message).toContain('448 MiB are likely');
    const flood = new Map([['254:6', measurement({ writtenPerSecond: 1e12 })]]);
    expect(refusal({ measured: flood, pools }).message).toContain('1.0 GiB are likely');
  });

  test('names the most that may be written as a risk where the volume is larger than that', () => {
    expect(plan({ pools: poolsWith('8192/16384') }).risks).toEqual([
      expect.stringMatching(
        /^vg0\/thin has no room .* more than 384 MiB is written to its pool vg0\/pool0 .* 90 % full/,
      ) as unknown,
    ]);
    const large = poolsWith('273/163840');
    expect(plan({ pools: large }).risks).toEqual([]);
  });

  test('does not change with every write', () => {
    const risks = ['8192/16384', '8193/16384', '8200/16384'].map((data) => plan({ pools: poolsWith(data) }).risks);
    expect(new Set(risks.map(String)).size).toBe(1);
  });

  test('shares the room of a pool among its volumes, and names each that lacks some', () => {
    const busy = measurement({ writtenPerSecond: 1024 ** 2 });
    const measured = new Map([
      ['254:6', busy],
      ['254:77', busy],
    ]);
    // Each is likely to cost 68 MiB, of 102 MiB.
    const pools = poolsWith('13107/16384');
    expect(plan({ measured, pools }, ['thin']).items).toHaveLength(1);
    expect(refusal({ measured, pools }, ['thin', 'second']).message).toMatch(/"vg0\/second".*has room for 34 MiB/);
  });
});

test('pools are shown with what they have', () => {
  expect(guestThinStorage().pools).toEqual([
    { name: 'vg0/pool0', kindWords: 'thin pool', sizeBytes: GIB, freeBytes: GIB - 273 * 65_536 },
  ]);
});
