/** What a restore point says of its own gaps, whichever program wrote it and whatever its fields hold. */
import { describe, expect, it } from 'vitest';
import {
  describeGaps,
  REPAIRED_TAG,
  unreadableFacts,
  wholenessOf,
  withLost,
} from '../../../shared/domain/wholeness.ts';

const gap = (path: string, reason = '') => ({ path, reason });
const ours = { tags: ['stillpoint'], extra: { stillpoint: { run: '01234567' } } };
const partial = {
  tags: ['stillpoint', 'partial'],
  extra: { stillpoint: { run: '01234567', ...unreadableFacts([gap('/srv/a', 'Input/output error')], 7) } },
};

describe('a restore point', () => {
  it('of ours without gaps is whole, and of another program nothing is known', () => {
    expect(wholenessOf(ours)).toEqual({ state: 'whole', missing: [], missingCount: 0 });
    for (const foreign of [{}, { tags: ['stillpoint'] }, { extra: { other: {} } }, { extra: { stillpoint: 'x' } }]) {
      expect(wholenessOf(foreign)).toEqual({ state: 'unknown', missing: [], missingCount: undefined });
    }
  });

  it('that lacks what could not be read is partial, also where restic has dropped the facts', () => {
    expect(wholenessOf(partial)).toEqual({
      state: 'partial',
      missing: [gap('/srv/a', 'Input/output error')],
      missingCount: 7,
    });
    expect(wholenessOf({ tags: partial.tags })).toEqual({ state: 'partial', missing: [], missingCount: undefined });
    expect(wholenessOf({ extra: partial.extra }).state).toBe('partial');
  });

  it('that a repair made is repaired, with what it and the repairs and readings before it lost', () => {
    const first = { tags: [...partial.tags, REPAIRED_TAG], extra: withLost(partial, [gap('/srv/b')], 1) };
    const second = { tags: first.tags, extra: withLost(first, [gap('/srv/c')], 2) };
    expect(wholenessOf(second)).toEqual({
      state: 'repaired',
      missing: [gap('/srv/b'), gap('/srv/c'), gap('/srv/a', 'Input/output error')],
      missingCount: 10,
    });
    expect(second.extra).toMatchObject({ stillpoint: { run: '01234567' } });
    // As restic's "repair snapshots" leaves it, of a point of ours and of its own.
    expect(wholenessOf({ tags: [...partial.tags, REPAIRED_TAG] })).toMatchObject({
      state: 'repaired',
      missingCount: undefined,
    });
    expect(wholenessOf({ tags: [REPAIRED_TAG] }).state).toBe('repaired');
    // Removing a tag does not make it whole again.
    expect(wholenessOf({ tags: [], extra: second.extra }).state).toBe('repaired');
  });

  it.each([
    ['a list', [1]],
    ['a text', 'all of it'],
    ['null', null],
    ['a number without entries', { count: 3 }],
    ['fewer than are named', { count: 0, entries: [gap('/x')] }],
    ['entries of another form', { count: -1, entries: [null, 3, { path: 4 }, { path: '/y', reason: 5 }] }],
    ['a huge count', { count: 1e300, entries: {} }],
  ])('with %s where the gaps should stand is not called whole', (_, lost) => {
    const { state, missing, missingCount } = wholenessOf({ extra: { stillpoint: { lost } } });
    expect(state).toBe('repaired');
    expect(missing.every(({ path, reason }) => typeof path === 'string' && typeof reason === 'string')).toBe(true);
    expect(missingCount === undefined || missingCount >= missing.length).toBe(true);
  });

  it('keeps and shows a bounded number of names', () => {
    const many = Array.from({ length: 5000 }, (_, index) => gap(`/f${index}`));
    const { missing, missingCount } = wholenessOf({ extra: withLost(ours, many, 6000) });
    expect([missing.length, missingCount]).toEqual([200, 6000]);
    const hostile = { lost: { count: 5000, entries: many } };
    expect(wholenessOf({ extra: { stillpoint: hostile } }).missing).toHaveLength(200);
  });
});

describe('the warning', () => {
  it('names the first gaps and counts the others', () => {
    expect(describeGaps(wholenessOf(ours))).toBeUndefined();
    expect(describeGaps(wholenessOf({}))).toBeUndefined();
    expect(describeGaps(wholenessOf(partial))).toBe(
      'Some of it could not be read when the backup was made, or is perhaps torn. Missing, there without content, or perhaps torn: "/srv/a" (Input/output error) and 6 more.',
    );
    expect(describeGaps(wholenessOf({ tags: ['repaired'] }))).toBe(
      'It is a copy of a damaged restore point, without what was lost. What is missing was not recorded.',
    );
    const four = ['/a', '/b', '/c', '/d'].map((path) => gap(path));
    expect(describeGaps(wholenessOf({ extra: withLost(ours, four, 4) }))).toContain('"/a", "/b", "/c" and 1 more.');
    expect(describeGaps(wholenessOf({ tags: ['partial'], extra: withLost(ours, four.slice(3), 1) }))).toContain(
      '"/d" and perhaps others.',
    );
  });
});
