import { describe, expect, test } from 'vitest';
import { type KeptMarks, marksToWords, wordsToMarks } from '../../../shared/domain/kept-marks.ts';
import { keptId } from '../../../shared/domain/kept-name.ts';
import { ownerId } from '../../../shared/domain/names.ts';
import { setsOf } from '../../../shared/pipeline/kept/listing.ts';

const owner = ownerId('00112233aabb');
const about: KeptMarks = {
  ...{ owner, by: 'ann@laptop', reason: 'r', taken: 1000, expires: 2000, part: 1, parts: 2, pair: undefined },
};

function found(set: string, more: Partial<KeptMarks> | 'no marks', state: 'whole' | 'full' = 'whole') {
  const words = more === 'no marks' ? [] : marksToWords({ ...about, ...more });
  const object = {
    ...{ kind: 'x', id: `spk_${set}`, set: keptId(set), proof: 'p', volumeId: 'v', volume: 'v', words, state },
    room: { usedBytes: undefined, totalBytes: undefined },
  };
  return { object, marks: wordsToMarks(words) };
}

describe('kept sets', () => {
  test('are what their snapshots say alike, the oldest first', () => {
    const sets = setsOf(
      [found('22222222', { taken: 1500 }), found('11111111', {}), found('11111111', { part: 2 })],
      owner,
      1999,
    );
    expect(sets).toMatchObject([
      { id: '11111111', missing: 0, isOwn: true, isExpired: false, about: { taken: 1000, reason: 'r' } },
      { id: '22222222', missing: 1 },
    ]);
  });

  test('are over when our clock says so', () => {
    expect(setsOf([found('11111111', {})], owner, 2000)).toMatchObject([{ isExpired: true }]);
    expect(setsOf([found('11111111', { expires: undefined })], owner, 9e9)).toMatchObject([{ isExpired: false }]);
  });

  test('are of somebody else where their marks say so', () => {
    expect(setsOf([found('11111111', { owner: ownerId('ffeeddccbbaa') })], owner, 0)).toMatchObject([{ isOwn: false }]);
  });

  test.each([
    ['their snapshots contradict each other', [found('11111111', {}), found('11111111', { expires: 9999, part: 2 })]],
    ['they say nothing', [found('11111111', 'no marks')]],
  ])('are not known, and never over, where %s', (_, members) => {
    expect(setsOf(members, owner, 9e9)).toMatchObject([{ about: undefined, isOwn: false, isExpired: false }]);
  });

  test('a stranger among its snapshots is named as such, and counts for none of them', () => {
    const [set] = setsOf([found('11111111', { part: 2 }), found('11111111', 'no marks', 'full')], owner, 0);
    expect(set).toMatchObject({ missing: 1, snapshots: [{ state: 'whole' }, { state: 'foreign' }] });
  });
});
