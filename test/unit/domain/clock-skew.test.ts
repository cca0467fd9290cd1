/** What two clocks that are read one after the other prove of each other. */
import { describe, expect, it } from 'vitest';
import { timed } from '../../../shared/base/clock.ts';
import { clockSkew, describeSkew, provenSkewMs } from '../../../shared/domain/clock-skew.ts';

const at = (earliestMs: number, latestMs = earliestMs) => ({ earliestMs, latestMs });

describe('the skew of a host', () => {
  it('is what the reading leaves no doubt of', () => {
    expect(provenSkewMs(clockSkew(at(1_000_000), at(999_000, 1_001_000)))).toBe(0);
    expect(provenSkewMs(clockSkew(at(1_060_000), at(1_000_000, 1_002_000)))).toBe(58_000);
    expect(provenSkewMs(clockSkew(at(940_000, 941_000), at(1_000_000, 1_002_000)))).toBe(-59_000);
    // A slow host proves little, and nothing is claimed of it.
    expect(provenSkewMs(clockSkew(at(1_010_000), at(1_000_000, 1_030_000)))).toBe(0);
  });

  it.each([
    [4_999, undefined],
    [5_000, '5 seconds ahead of'],
    [-119_000, '119 seconds behind'],
    [-150_000, '3 minutes behind'],
    [3_600_000, '60 minutes ahead of'],
    [30 * 3_600_000, '30 hours ahead of'],
    [-31 * 86_400_000, '31 days behind'],
    [1.8e12, '57 years ahead of'],
  ])('of %i ms is said in words', (ms, words) => {
    const said = describeSkew('db1', { leastMs: ms, mostMs: ms });
    expect(said).toBe(words === undefined ? undefined : `The clock of "db1" is ${words} that of this machine.`);
  });
});

describe('work is timed', () => {
  const span = async (wall: readonly [number, number], tookMs: number) => {
    const readings = [...wall];
    const monotonic = [0, tookMs];
    const clock = {
      now: () => new Date(readings.shift() ?? Number.NaN),
      monotonicMs: () => monotonic.shift() ?? Number.NaN,
      sleep: () => Promise.resolve(),
    };
    return (await timed(clock, () => Promise.resolve('done'))).span;
  };

  it('by both readings, and wider where the wall clock was set or stood still meanwhile', async () => {
    expect(await span([1000, 3000], 2000)).toEqual(at(1000, 3000));
    expect(await span([1000, 1_000_000], 2000)).toEqual(at(1000, 1_000_000));
    expect(await span([1_000_000, 1000], 2000)).toEqual(at(-1000, 1_002_000));
    expect(await span([1000, 1000], 2000)).toEqual(at(-1000, 3000));
  });
});
