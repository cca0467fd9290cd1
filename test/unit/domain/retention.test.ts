/** What the comparison with restic cannot see: points of one instant, points in the future, and what is refused. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isEmptyRules, type KeepRules, parseKeepCount, parseSpan } from '../../../shared/domain/keep-rules.ts';
import { applyKeepRules, DEFAULT_GROUP_BY, type RetentionPoint } from '../../../shared/domain/retention.ts';

const NOW = new Date('2026-11-23T12:00:00Z');
const FRAME = { groupBy: DEFAULT_GROUP_BY, now: NOW, setAside: new Set<string>() };

function at(time: string, id = time): RetentionPoint {
  return { id, time, hostname: 'db1', paths: ['/srv'], tags: [] };
}

function kept(
  points: readonly RetentionPoint[],
  rules: KeepRules,
  setAside = FRAME.setAside,
): Record<string, readonly string[]> {
  const decisions = applyKeepRules(points, rules, { ...FRAME, setAside }).flatMap((group) => group.decisions);
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
    // In UTC both lie on the 2nd; in the local time of their makers, on the 1st and the 2nd.
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

  it('keep the oldest point of a group while they may keep more, as restic does since 0.16', () => {
    const points = ['2026-11-01T01:00:00Z', '2026-11-01T02:00:00Z', '2026-11-02T03:00:00Z'].map((time) => at(time));
    const [oldest = '', middle = '', newest = ''] = points.map(({ id }) => id);
    expect(kept(points, { daily: 3 })).toEqual({
      [newest]: ['daily'],
      [middle]: ['daily'],
      [oldest]: ['oldest daily'],
    });
    expect(kept(points, { daily: 2 })).toEqual({ [newest]: ['daily'], [middle]: ['daily'], [oldest]: [] });
    expect(kept(points, { yearly: 'unlimited' })).toEqual({
      [newest]: ['yearly'],
      [middle]: [],
      [oldest]: ['oldest yearly'],
    });
    expect(kept(points, { withinDaily: '1d3h' })[oldest]).toEqual(['oldest daily within 1d3h']);
    expect(kept(points, { withinDaily: '1d2h' })[oldest]).toEqual([]);
  });

  it('neither count nor give up what is set aside', () => {
    const real = ['2026-11-20T01:00:00Z', '2026-11-21T01:00:00Z', '2026-11-22T01:00:00Z'].map((time) => at(time));
    const ahead = ['2026-11-23T01:00:00Z', '2026-12-01T01:00:00Z', '2027-01-01T01:00:00Z'].map((time) => at(time));
    const setAside = new Set(ahead.map(({ id }) => id));
    const [oldest = '', middle = '', newest = ''] = real.map(({ id }) => id);
    const result = kept([...ahead, ...real], { last: 2 }, setAside);
    expect([result[newest], result[middle], result[oldest]]).toEqual([['last'], ['last'], []]);
    const groups = applyKeepRules([...ahead, ...real], { daily: 1 }, { ...FRAME, setAside });
    const aside = groups.flatMap(({ decisions }) => decisions).filter(({ isSetAside }) => isSetAside);
    expect(aside.map(({ point }) => point.id).toSorted()).toEqual([...setAside].toSorted());
    // Also where they are older than all others, or alone.
    expect(kept(real, { daily: 3 }, new Set([oldest]))).toEqual({
      [newest]: ['daily'],
      [middle]: ['daily'],
      [oldest]: [],
    });
    expect(kept(ahead, { within: '1h' }, setAside)).toEqual({
      [ahead[0]!.id]: [],
      [ahead[1]!.id]: [],
      [ahead[2]!.id]: [],
    });
  });

  it('give up no more of the others, however many are set aside', () => {
    const count = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
    const span = fc.option(fc.constantFrom('6h', '2d', '1m'), { nil: undefined });
    const rules = fc.record({
      ...{ last: fc.integer({ min: 1, max: 3 }), hourly: count, daily: count, weekly: count, monthly: count },
      ...{ within: span, withinDaily: span, withinMonthly: span },
    });
    const hours = fc.uniqueArray(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 20 });
    const marks = fc.array(fc.boolean(), { minLength: 20, maxLength: 20 });
    const givenUp = fc.property(hours, rules, marks, (times, some, marked) => {
      const points = times.map((hour) => at(new Date(NOW.getTime() - hour * 3_600_000).toISOString()));
      const setAside = new Set(points.filter((_, index) => marked[index]).map(({ id }) => id));
      const [before, after] = [kept(points, some), kept(points, some, setAside)];
      return points.every(({ id }) => setAside.has(id) || before[id]?.length === 0 || after[id]?.length !== 0);
    });
    expect(fc.check(givenUp)).toMatchObject({ failed: false });
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
