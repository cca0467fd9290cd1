/** The order in which restore points were made, with clocks that are right, ahead, behind and jumping. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderPoints, type PointInTime } from '../../../shared/domain/point-order.ts';

const NOW = new Date('2026-11-23T12:00:00Z');

function point(id: string, time: string, more: Partial<PointInTime> = {}): PointInTime {
  return { id, time: time.length === 10 ? `${time}T02:00:00Z` : time, ...more };
}

function orderOf(...points: readonly PointInTime[]) {
  const { points: ordered, doubts } = orderPoints(points, NOW);
  return { order: ordered.map(({ id }) => id).join(' '), doubts: Object.fromEntries(doubts) };
}

describe('restore points', () => {
  it('are ordered by their instants where nothing contradicts them, whatever their zones', () => {
    expect(orderOf(point('a', '2026-11-01'), point('b', '2026-11-01T01:30:00-05:00'))).toEqual({
      order: 'a b',
      doubts: {},
    });
  });

  it('dated in the future come after what they were made after, and before all others', () => {
    const real = [point('r1', '2026-11-20'), point('r2', '2026-11-21', { parent: 'r1' })];
    const planted = point('x', '2031-01-01');
    expect(orderOf(planted, ...real)).toEqual({ order: 'x r1 r2', doubts: { x: { kind: 'future' } } });
    const ahead = point('f', '2027-11-22', { parent: 'r2' });
    expect(orderOf(ahead, ...real)).toEqual({ order: 'r1 r2 f', doubts: { f: { kind: 'future' } } });
    // The clock was mended, and the next one is newer although its time is earlier.
    const after = point('r3', '2026-11-23', { parent: 'f' });
    expect(orderOf(after, ahead, ...real)).toEqual({ order: 'r1 r2 f r3', doubts: { f: { kind: 'future' } } });
  });

  it('a little ahead of this clock are as good as any', () => {
    expect(orderOf(point('a', '2026-11-23T12:04:00Z'))).toEqual({ order: 'a', doubts: {} });
    expect(orderOf(point('a', '2026-11-23T12:06:00Z')).doubts).toEqual({ a: { kind: 'future' } });
  });

  it('made while the clock was behind come after their parents, and both times are in doubt', () => {
    const points = [
      point('a', '2026-11-01'),
      point('b', '2026-11-20', { parent: 'a' }),
      point('c', '1970-01-01', { parent: 'b' }),
      point('d', '2026-11-22', { parent: 'c' }),
    ];
    expect(orderOf(...points)).toEqual({
      order: 'a b c d',
      doubts: {
        a: { kind: 'after-descendant', other: 'c' },
        b: { kind: 'after-descendant', other: 'c' },
        c: { kind: 'before-ancestor', other: 'b' },
      },
    });
  });

  it('after one whose clock was ahead at that time are newer than it, and in doubt until its time is past', () => {
    const points = [
      point('a', '2026-11-01'),
      point('f', '2026-11-20', { parent: 'a' }),
      point('b', '2026-11-02', { parent: 'f' }),
      point('c', '2026-11-03', { parent: 'b' }),
      point('d', '2026-11-21', { parent: 'c' }),
    ];
    expect(orderOf(...points)).toEqual({
      order: 'a f b c d',
      doubts: {
        f: { kind: 'after-descendant', other: 'b' },
        b: { kind: 'before-ancestor', other: 'f' },
        c: { kind: 'before-ancestor', other: 'f' },
      },
    });
  });

  it('do not need their parents: forgotten ones prove nothing, and copies stand for the repaired', () => {
    expect(orderOf(point('b', '2026-11-02', { parent: 'gone' }), point('a', '2026-11-01')).order).toBe('a b');
    const repaired = point('r', '2026-11-05', { original: 'lost', parent: 'a', tags: ['repaired'] });
    expect(orderOf(point('b', '2026-11-02', { parent: 'lost' }), repaired, point('a', '2026-11-01'))).toEqual({
      order: 'a r b',
      doubts: { r: { kind: 'after-descendant', other: 'b' }, b: { kind: 'before-ancestor', other: 'r' } },
    });
    // A copy in another repository has no parent, but its original has one.
    const copy = point('q', '2026-11-02', { original: 'b' });
    const rest = [point('b', '2026-11-02', { parent: 'f' }), point('f', '2027-01-01', { parent: 'a' })];
    expect(orderOf(copy, ...rest, point('a', '2026-11-01')).order).toBe('a f b q');
  });

  it('of one instant: the repaired one is newer than the damaged, and a copy newer than its original', () => {
    const time = '2026-11-01';
    const copy = point('b', time, { original: 'a' });
    expect(orderOf(point('a', time), copy).order).toBe('a b');
    expect(orderOf(copy, point('c', time, { original: 'a', tags: ['repaired'] }), point('a', time)).order).toBe(
      'a b c',
    );
  });

  it('of twenty thousand generations, in a circle, or naming themselves are no trouble', () => {
    const many = Array.from({ length: 20_000 }, (_, index) =>
      point(String(index), new Date(Date.UTC(2020, 0, 1) + index * 60_000).toISOString(), {
        parent: String(index - 1),
      }),
    );
    const { points, doubts } = orderPoints(many.toReversed(), NOW);
    expect([points[0]?.id, points.at(-1)?.id, doubts.size]).toEqual(['0', '19999', 0]);
    expect(orderOf(point('a', '2026-11-01', { parent: 'a' })).doubts).toEqual({});
    const circle = [point('a', '2026-11-01', { parent: 'c' }), point('b', '2026-11-02', { parent: 'a' })];
    expect(orderOf(...circle, point('c', '2026-11-03', { parent: 'b' })).order.split(' ')).toHaveLength(3);
  });

  it('never come before what they were made after, and keep their place whatever was planted in the future', () => {
    const history = fc.array(
      fc.record({ hours: fc.integer({ min: -40_000, max: 40_000 }), back: fc.integer({ min: 0, max: 4 }) }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 100_000 }), (steps, ahead) => {
        const at = (hours: number): string => new Date(NOW.getTime() + hours * 3_600_000).toISOString();
        const points = steps.map(({ hours, back }, index) =>
          point(`p${index}`, at(hours), back === 0 ? {} : { parent: `p${index - back}` }),
        );
        const places = new Map(orderPoints(points, NOW).points.map(({ id }, index) => [id, index]));
        for (const { id, parent } of points) {
          if (parent !== undefined && places.has(parent)) {
            expect(places.get(id)).toBeGreaterThan(places.get(parent) ?? Number.NaN);
          }
        }
        const planted = [...points, point('x', at(ahead))];
        const without = orderPoints(planted, NOW).points.filter(({ id }) => id !== 'x');
        expect(without.map(({ id }) => id)).toEqual(orderPoints(points, NOW).points.map(({ id }) => id));
      }),
    );
  });
});
