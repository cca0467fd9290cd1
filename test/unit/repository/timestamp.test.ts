import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTimestamp } from '../../../shared/repository/format/read-text.ts';
import { timestampFromNs, timestampToDate, timestampToNs } from '../../../shared/repository/timestamp.ts';

const FIRST = BigInt(new Date('0000-01-01T00:00:00Z').getTime()) * 1_000_000n;
const LAST = BigInt(Date.UTC(9999, 11, 31, 23, 59, 59)) * 1_000_000n + 999_999_999n;

describe('timestamps', () => {
  it.each([
    [0n, 0, '1970-01-01T00:00:00Z'],
    [1_700_000_000_120_000_000n, 0, '2023-11-14T22:13:20.12Z'],
    [1_700_000_000_000_000_001n, 60, '2023-11-14T23:13:20.000000001+01:00'],
    [1_700_000_000_000_000_000n, -210, '2023-11-14T18:43:20-03:30'],
    [-1n, 0, '1969-12-31T23:59:59.999999999Z'],
  ] as const)('%s ns at offset %s is %s', (ns, offset, text) => {
    expect(timestampFromNs(ns, offset)).toBe(text);
    expect(timestampToNs(parseTimestamp(text))).toBe(ns);
  });

  it('come back to the nanosecond, in every zone', () => {
    const margin = 86_400n * 1_000_000_000n;
    const times = fc.bigInt({ min: FIRST + margin, max: LAST - margin });
    fc.assert(
      fc.property(times, fc.integer({ min: -14 * 60, max: 14 * 60 }), (ns, offset) => {
        expect(timestampToNs(timestampFromNs(ns, offset))).toBe(ns);
      }),
    );
  });

  it('moves years that the text cannot hold to the nearest that it can', () => {
    expect(timestampFromNs(1n << 80n)).toMatch(/^9999-12-31T23:59:59/);
    expect(timestampFromNs(-(1n << 80n))).toMatch(/^0000-01-01T00:00:00/);
  });

  it('agrees with Date', () => {
    expect(timestampToDate(parseTimestamp('2015-01-02T18:10:50.895208559+01:00')).toISOString()).toBe(
      '2015-01-02T17:10:50.895Z',
    );
  });

  it.each(['', '2015-01-02', '2015-01-02T18:10:50', 'yesterday', '2015-01-02T18:10:50Zx'])('refuses %j', (text) => {
    expect(() => parseTimestamp(text)).toThrow('is not a time');
  });
});
