/** What a restore point may be called: what was proved, and no more. */
import { describe, expect, it } from 'vitest';
import { foreseenConsistency, type HoldEvidence, judgeConsistency } from '../../../shared/domain/consistency.ts';

const at = (volume: string, afterUptime: number, beforeUptime = afterUptime) => ({ volume, afterUptime, beforeUptime });
const held = (more: Partial<HoldEvidence> = {}): HoldEvidence => ({
  ...{ what: 'shop', guarantees: 'application', fromUptime: 1, provedUptime: 9, untilUptime: 10 },
  ...more,
});

describe('the consistency of a restore point', () => {
  it('of one volume is that of a power cut', () => {
    expect(judgeConsistency({ instants: [at('a', 2, 3)], holds: [] })).toEqual({ consistency: 'crash', skewMs: 0 });
  });

  it('of several volumes one after another is skewed, by a bound of the time between them', () => {
    expect(judgeConsistency({ instants: [at('a', 2, 2.1), at('b', 2.3, 2.4)], holds: [] })).toEqual({
      ...{ consistency: 'crash-skewed', skewMs: 410 },
    });
  });

  it('of several volumes of one instant is that of one', () => {
    const verdict = judgeConsistency({ instants: [at('a', 2, 3), at('b', 2, 3)], holds: [] });
    expect(verdict).toEqual({ consistency: 'crash', skewMs: 0 });
  });

  it('of dumps alone is theirs, and of the weakest of them', () => {
    const dump = (consistency: 'application' | 'fuzzy', fromUptime: number) => ({
      ...{ path: '/a', what: 'a', bytes: 1, consistency, fromUptime, untilUptime: fromUptime + 1 },
    });
    const verdict = (...dumps: ReturnType<typeof dump>[]) => judgeConsistency({ instants: [], holds: [], dumps });
    expect(verdict(dump('application', 2))).toEqual({ consistency: 'application', skewMs: 0 });
    expect(verdict(dump('application', 2), dump('application', 4))).toEqual({
      consistency: 'application',
      skewMs: 3010,
    });
    expect(verdict(dump('application', 2), dump('fuzzy', 4)).consistency).toBe('fuzzy');
    expect(verdict().consistency).toBe('fuzzy');
  });

  it('of files is theirs, whatever dumps are beside them', () => {
    const dumps = [
      { path: '/a', what: 'a', bytes: 1, consistency: 'application' as const, fromUptime: 1, untilUptime: 9 },
    ];
    expect(judgeConsistency({ instants: [at('a', 2, 2.1)], holds: [], dumps })).toEqual({
      consistency: 'crash',
      skewMs: 0,
    });
    const live = [{ path: '/srv', tornCount: 0, fromUptime: 4, untilUptime: 6.5 }];
    expect(judgeConsistency({ instants: [], holds: [], live, dumps }).consistency).toBe('fuzzy');
  });

  it('of which a part was read live is that of live files, from the first look to the last', () => {
    const live = [{ path: '/boot', tornCount: 0, fromUptime: 4, untilUptime: 6.5 }];
    const verdict = judgeConsistency({ instants: [at('a', 2, 2.1)], holds: [held()], live });
    expect(verdict).toEqual({ consistency: 'fuzzy', skewMs: 4510 });
    expect(foreseenConsistency(['a'], [{ what: 'shop', guarantees: 'application' }], ['/boot'])).toBe('fuzzy');
  });

  it('read live is cold where what writes it was stopped from the first look to the last, and nothing was torn', () => {
    const live = [{ path: '/srv', tornCount: 0, fromUptime: 4, untilUptime: 6.5 }];
    const stopped = held({ guarantees: 'cold' });
    const of = (holds: HoldEvidence[], torn = 0) =>
      judgeConsistency({ instants: [], holds, live: live.map((tree) => ({ ...tree, tornCount: torn })) }).consistency;
    expect(of([stopped])).toBe('cold');
    expect(of([stopped], 1)).toBe('fuzzy');
    expect(of([held()])).toBe('fuzzy');
    expect(of([{ ...stopped, provedUptime: 6 }])).toBe('fuzzy');
    expect(of([{ ...stopped, fromUptime: 5 }])).toBe('fuzzy');
    expect(of([stopped, { ...held(), provedUptime: 5 }])).toBe('fuzzy');
  });

  it('without a snapshot is that of live files', () => {
    expect(judgeConsistency({ instants: [], holds: [held()] }).consistency).toBe('fuzzy');
  });

  it('is that of the application where every hold was proved across every instant', () => {
    const instants = [at('a', 2), at('b', 8)];
    expect(judgeConsistency({ instants, holds: [held(), held()] }).consistency).toBe('application');
    expect(judgeConsistency({ instants, holds: [held(), held({ guarantees: 'cold' })] }).consistency).toBe('cold');
  });

  it('of what was only paused is of one instant, and no more', () => {
    const of = (...holds: HoldEvidence[]) =>
      judgeConsistency({ instants: [at('a', 2), at('b', 8)], holds }).consistency;
    expect(of(held({ guarantees: 'still' }))).toBe('crash');
    expect(of(held(), held({ guarantees: 'still' }))).toBe('crash');
    expect(of(held({ guarantees: 'still', provedUptime: 7 }))).toBe('crash-skewed');
  });

  it('of what recovers by itself is that of the application where all is of one instant, and there alone', () => {
    const of = (instants: ReturnType<typeof at>[], ...more: HoldEvidence[]) =>
      judgeConsistency({ instants, holds: [held({ guarantees: 'recovers' }), ...more] }).consistency;
    expect(of([at('a', 2)])).toBe('application');
    expect(of([at('a', 2), at('b', 2)])).toBe('application');
    expect(of([at('a', 2), at('b', 8)])).toBe('crash-skewed');
    expect(of([at('a', 2), at('b', 8)], held())).toBe('crash-skewed');
    expect(of([at('a', 2), at('b', 8)], held({ guarantees: 'still' }))).toBe('crash');
  });

  it('of what recovers from several instants is that of the application where these are all, and that of its log the last', () => {
    const joins = { volumes: ['a', 'b', 'c'], last: 'b' };
    const recovers = held({ guarantees: 'recovers', joins });
    const of = (instants: ReturnType<typeof at>[], ...holds: HoldEvidence[]) =>
      judgeConsistency({ instants, holds: [recovers, ...holds] });
    expect(of([at('a', 2, 3), at('b', 3, 4)])).toEqual({ consistency: 'application', skewMs: 2010 });
    expect(of([at('a', 2, 3), at('b', 3, 4), at('c', 3, 4)]).consistency).toBe('application');
    expect(of([at('a', 2, 3.5), at('b', 3, 4)]).consistency).toBe('crash-skewed');
    expect(of([at('a', 5), at('b', 3, 4)]).consistency).toBe('crash-skewed');
    expect(of([at('a', 2, 3), at('b', 3, 4), at('d', 2)]).consistency).toBe('crash-skewed');
    expect(of([at('a', 2, 3), at('c', 3, 4)]).consistency).toBe('crash-skewed');
    const instants = [at('a', 2, 3), at('b', 3, 4)];
    expect(of(instants, held()).consistency).toBe('application');
    expect(of(instants, held({ guarantees: 'still' })).consistency).toBe('crash');
    expect(of(instants, held({ guarantees: 'recovers' })).consistency).toBe('crash-skewed');
    const { provedUptime: _, ...unprovedOne } = recovers;
    expect(judgeConsistency({ instants, holds: [unprovedOne] }).consistency).toBe('crash-skewed');
    expect(foreseenConsistency(['a', 'b'], [recovers])).toBe('application');
    expect(foreseenConsistency(['b', 'a'], [recovers])).toBe('crash-skewed');
  });

  it('is not raised by what nobody can tell of', () => {
    const nothing = held({ guarantees: 'nothing' });
    const of = (...holds: HoldEvidence[]) =>
      judgeConsistency({ instants: [at('a', 2), at('b', 8)], holds }).consistency;
    expect(of(nothing)).toBe('crash-skewed');
    expect(of(held(), { ...nothing, provedUptime: 1 })).toBe('application');
  });

  const { provedUptime: _, ...unproved } = held();
  it.each<[string, HoldEvidence]>([
    ['was not proved', unproved],
    ['began after the first instant', held({ fromUptime: 2.5 })],
    ['was proved before the last instant', held({ provedUptime: 7 })],
  ])('is never that of the application where a hold %s', (_what, hold) => {
    const instants = [at('a', 2), at('b', 8)];
    expect(judgeConsistency({ instants, holds: [held(), hold] }).consistency).toBe('crash-skewed');
  });

  it('is foreseen as what it is when all goes well', () => {
    expect([foreseenConsistency(['a'], []), foreseenConsistency(['a', 'b'], [])]).toEqual(['crash', 'crash-skewed']);
    expect(foreseenConsistency(['a', 'b'], [held()])).toBe('application');
  });
});
