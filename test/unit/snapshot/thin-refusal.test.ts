/** Thin volumes that cannot be snapshotted: each is told why, and what would help. */
import { describe, expect, test } from 'vitest';
import type { LogicalVolumeRecord } from '../../../shared/snapshot/lvm/records.ts';
import { guestVolumes, poolsWith, volumeCalled } from './fixtures.ts';
import { judge, verdict } from './origin-facts.ts';

const volume = volumeCalled('thin');
const mount = { fsType: 'ext4', superOptions: ['rw'] };
const thin = (more: Partial<LogicalVolumeRecord> = {}) => ({ volume: { ...volume, ...more }, mount });
/** The volumes of the guest, one of them another. */
const withOther = (name: string, facts: Partial<LogicalVolumeRecord>): readonly LogicalVolumeRecord[] =>
  guestVolumes().map((each) => (each.lv_name === name ? { ...each, ...facts } : each));

test('a thin volume can be snapshotted, on ext and XFS', () => {
  expect(judge(thin())).toEqual({ possible: true, provider: 'lvm-thin' });
  expect(verdict({ ...thin(), mount: { fsType: 'xfs', superOptions: [] } })).toBe('possible');
  // A clone of another one, as virtual machines have them.
  expect(verdict(thin({ origin: 'thin' }))).toBe('possible');
});

describe('a thin volume cannot be snapshotted', () => {
  test.each([
    ['Swi-aotz--', /being merged into/],
    ['Owi-aotz--', /put back to the state of a snapshot/],
    ['Vwi-sotz--', /suspended/],
  ])('with the attributes %s', (lv_attr, words) => {
    expect(verdict(thin({ lv_attr }))).toMatch(words);
  });

  test('that lies over a volume outside of its pool, or over one that nobody knows', () => {
    expect(verdict(thin({ origin: 'files' }))).toMatch(/external origin.*another volume/);
    expect(verdict(thin({ origin: 'gone' }))).toMatch(/external origin/);
  });

  test.each([
    ['[pool0_tdata]', 'cache', /pool "vg0\/pool0" is cached on a faster disk.*lvconvert --splitcache vg0\/pool0/],
    ['[pool0_tdata]', 'cache,linear', /cached/],
    ['[pool0_tdata]', 'writecache', /write cache.*--splitcache/],
    ['[pool0_tmeta]', 'writecache', /write cache/],
    ['[pool0_tdata]', 'vdo', /VDO/],
    ['[pool0_tdata]', 'vdo-pool', /VDO/],
    ['[pool0_tdata]', 'error', /of type error/],
    ['[pool0_tdata]', 'integrity', /of type integrity/],
  ])('whose pool has %s of type %s', (name, segtype, words) => {
    expect(verdict({ ...thin(), volumes: withOther(name, { segtype }) })).toMatch(words);
  });

  test.each(['striped', 'raid1', 'linear,raid6_zr'])('but one whose pool lies on %s can', (segtype) => {
    expect(verdict({ ...thin(), volumes: withOther('[pool0_tdata]', { segtype }) })).toBe('possible');
  });

  test('whose pool is of another kind', () => {
    expect(verdict({ ...thin(), volumes: withOther('pool0', { segtype: 'vdo-pool' }) })).toMatch(/cannot|judge/);
    expect(verdict(thin({ pool_lv: 'nowhere' }))).toMatch(/not of a kind that this version can judge/);
    expect(verdict(thin({ segtype: 'thin,linear' }))).toMatch(/of type thin,linear/);
  });

  test.each([
    ['- ro discard_passdown queue_if_no_space - 1', /read-only.*lvconvert --repair vg0\/pool0/],
    ['- rw discard_passdown queue_if_no_space needs_check 1', /needs_check.*--repair/],
    ['- out_of_data_space discard_passdown queue_if_no_space - 1', /no room left.*lvextend/],
  ])('whose pool says "%s"', (rest, words) => {
    expect(verdict({ ...thin(), pools: poolsWith('9/10', '1/10', rest) })).toMatch(words);
  });

  test('whose pool has failed, is suspended, or is not there', () => {
    const [status] = poolsWith('1/2').statuses;
    const pools = (more: object) => ({
      statuses: status ? [{ ...status, ...more }] : [],
      suspended: new Set<string>(),
    });
    expect(verdict({ ...thin(), pools: pools({ mode: 'failed' }) })).toMatch(/has failed.*--repair/);
    expect(verdict({ ...thin(), pools: { ...pools({}), suspended: new Set(['vg0-pool0-tpool']) } })).toMatch(
      /suspended.*lvchange --refresh vg0\/pool0/,
    );
    expect(verdict({ ...thin(), pools: pools({ mapper: 'vg1-pool0-tpool' }) })).toMatch(/no status/);
  });
});
