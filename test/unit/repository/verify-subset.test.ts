import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseSubset } from '../../../shared/repository/check/verify-subset.ts';
import type { PackId } from '../../../shared/repository/ids.ts';

const DAY_MS = 24 * 60 * 60_000;
const packs = Array.from({ length: 300 }, () => randomBytes(32).toString('hex') as PackId);
const whenever = fc.integer({ min: 0, max: 4_000_000_000_000 });

describe('the share of packs that verify reads', () => {
  it('is all of them unless said', () => {
    expect(chooseSubset(undefined, packs, new Date())).toEqual({ chosen: new Set(packs), label: undefined });
  });

  it('is in so many days in a row every pack once, whenever one begins', () => {
    fc.assert(
      fc.property(whenever, fc.integer({ min: 1, max: 256 }), (start, days) => {
        const read = Array.from({ length: days }, (_, day) => {
          const now = new Date(start + day * DAY_MS);
          return [...chooseSubset({ kind: 'daily', days }, packs, now).chosen];
        }).flat();
        expect(read.toSorted()).toEqual(packs.toSorted());
      }),
      { numRuns: 30 },
    );
  });

  it('is as restic divides them: by the first byte of the name', () => {
    const { chosen, label } = chooseSubset({ kind: 'share', share: 3, of: 7 }, packs, new Date());
    expect(label).toBe('3/7');
    expect([...chosen]).toEqual(packs.filter((id) => (Buffer.from(id, 'hex')[0] ?? 0) % 7 === 2));
  });

  it('is by chance so many in a hundred, rounded up, each one once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (percent) => {
        const { chosen } = chooseSubset({ kind: 'percent', percent }, packs, new Date());
        expect(chosen.size).toBe(Math.ceil(3 * percent));
      }),
    );
    const twice = [1, 2].map(() => [...chooseSubset({ kind: 'percent', percent: 10 }, packs, new Date()).chosen]);
    expect(twice[0]).not.toEqual(twice[1]);
  });
});
