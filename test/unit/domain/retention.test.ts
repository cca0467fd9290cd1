/** What the comparison with restic cannot see: points of one instant, points in the future, and what is refused. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { isEmptyRules, type KeepRules, parseKeepCount, parseSpan } from '../../../shared/domain/keep-rules.ts';
import { applyKeepRules, DEFAULT_GROUP_BY, type RetentionPoint } from '../../../shared/domain/retention.ts';

const NOW = new Date('2026-11-23T12:00:00Z');

function at(time: string, id = time): RetentionPoint {
  return { id, time, hostname: 'db1', paths: ['/srv'], tags: [] };
}

function kept(points: readonly RetentionPoint[], rules: KeepRules): Record<string, readonly string[]> {
  const decisions = applyKeepRules(points, rules, DEFAULT_GROUP_BY, NOW).flatMap((group) => group.decisions);
  return Object.fromEntries(decisions.map(({ point, keptBy }) => [point.id, keptBy]));
}

describe('keep rules', () => {
  it('order points of one instant by their ids, whatever their zones', () => {
    const points = [at('2026-11-01T10:00:00Z', 'b'), at('2026-11-01T11:00:00+01:00', 'a')];
    expect(kept(points, { last: 1 })).toEqual({ a: ['last'], b: [] });
    expect(kept(points.toReversed(), { last: 1 })).toEqual({ a: ['last'], b: [] });
  });

  it('take the day from the clock that the point shows', () => {
    const points = [at('2026-11-01T23:30:00-05:00', 'late'), at('2026-11-02T03:00:00Z', 'early')];
    // In UTC both lie on the 2nd; for whoever made them they lie on the 1st and the 2nd.
    expect(kept(points, { daily: 5 })).toEqual({ late: ['daily'], early: ['daily'] });
  });

  it('do not reckon lengths of time from the future', () => {
    const points = [at('2031-01-01T00:00:00Z'), at('2026-11-20T00:00:00Z'), at('2026-11-01T00:00:00Z')];
    const result = kept(points, { within: '7d' });
    expect(Object.values(result).map((reasons) => reasons.length)).toEqual([1, 1, 0]);
    expect(kept([at('2031-01-01T00:00:00Z')], { within: '1h' })).toEqual({ '2031-01-01T00:00:00Z': ['within 1h'] });
  });

  it('reckon back over a change to summer time as the clock of this machine goes, where the point shows it', () => {
    const zone = process.env['TZ'];
    onTestFinished(() => {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    });
    const points = [at('2026-10-28T02:00:00+01:00', 'new'), at('2026-10-20T02:30:00+02:00', 'old')];
    process.env['TZ'] = 'Europe/Berlin';
    expect(kept(points, { within: '8d' })).toEqual({ new: ['within 8d'], old: ['within 8d'] });
    process.env['TZ'] = 'UTC';
    expect(kept(points, { within: '8d' })).toEqual({ new: ['within 8d'], old: [] });
  });

  it('keep the repaired copy and not its original of the same instant', () => {
    const points = [at('2026-11-01T10:00:00Z', 'a'), { ...at('2026-11-01T10:00:00Z', 'b'), original: 'a' }];
    expect(kept(points, { last: 1 })).toEqual({ a: [], b: ['last'] });
    expect(kept(points.toReversed(), { daily: 1 })).toEqual({ a: [], b: ['daily'] });
  });

  it('keep the repaired copy also where the damaged point is a copy itself', () => {
    const instant = '2026-11-01T10:00:00Z';
    const repaired = { ...at(instant, 'z'), tags: ['repaired'] };
    for (const point of [repaired, { ...repaired, original: 'gone' }]) {
      const points = [{ ...at(instant, 'y'), original: 'gone' }, point, at(instant, 'a')];
      expect(kept(points, { last: 2 })).toEqual({ z: ['last'], y: ['last'], a: [] });
      expect(kept(points.toReversed(), { daily: 1 })).toEqual({ z: ['daily'], y: [], a: [] });
    }
  });

  it('that keep nothing are refused instead of forgetting everything', () => {
    for (const rules of [{}, { last: 0 }, { tags: [] }, { within: '0d' }, { daily: 0, withinYearly: '0y0h' }]) {
      expect(isEmptyRules(rules), JSON.stringify(rules)).toBe(true);
      expect(() => kept([at('2026-11-01T00:00:00Z')], rules)).toThrow('No keep rule is given');
    }
    expect(kept([at('2026-11-01T00:00:00Z', 'x')], { last: 'unlimited' })).toEqual({ x: ['last'] });
  });

  it.each(['', '-1d', '1d2d', '1w', '7', '1h1d', 'd'])('refuse the length of time "%s"', (text) => {
    expect(() => parseSpan(text)).toThrow('is not a length of time');
  });

  it.each(['-1', '1.5', '', 'all'])('refuse the count "%s"', (text) => {
    expect(() => parseKeepCount(text)).toThrow('is not a number');
  });
});
