import { describe, expect, test } from 'vitest';
import { type KeptMarks, marksToWords, requireReason, wordsToMarks } from '../../../shared/domain/kept-marks.ts';
import { keptBy, mintKeptName, setOfName } from '../../../shared/domain/kept-name.ts';
import { parseLifetime } from '../../../shared/domain/lifetime.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { mintSnapshotName } from '../../../shared/domain/snapshot-name.ts';

const marks: KeptMarks = {
  ...{ owner: ownerId('00112233aabb'), by: 'ann@laptop', reason: 'before the upgrade', taken: 1_795_976_191 },
  ...{ expires: undefined, part: 2, parts: 3, pair: { id: keptBy(runId('0a1b2c3d')), side: 'after' } },
};

describe('the marks of a kept snapshot', () => {
  test.each([
    ['nothing', ''],
    ['plain words', 'before the upgrade'],
    ['a line break and a tab', 'one\ntwo\tthree'],
    ['other alphabets', 'vor dem Übergang — 更新之前 🙂'],
    ['what shells and reports divide by', `a|b,c'd"e$(f)\`g\`;&26+h\\ =i/#!:`],
    ['a kilobyte', 'é'.repeat(512)],
    ['what looks like another mark', 'x spk.owner=ffeeddccbbaa'],
  ])('hold %s, and give it back', (_, reason) => {
    const words = marksToWords({ ...marks, reason });
    for (const word of words) expect(word).toMatch(/^spk\.[A-Za-z0-9_+./=&-]{1,116}$/);
    expect(wordsToMarks(words)).toEqual({ ...marks, reason });
    // A host may sort them.
    expect(wordsToMarks(words.toReversed())).toEqual({ ...marks, reason });
  });

  test('can be read by an administrator', () => {
    expect(marksToWords(marks)).toEqual([
      ...['spk.owner=00112233aabb', 'spk.part=2/3', 'spk.taken=1795976191', 'spk.expires=never'],
      ...['spk.by.1=ann&40laptop', 'spk.reason.1=before+the+upgrade', 'spk.pair=0a1b2c3d.after'],
    ]);
  });

  test.each([
    ['nothing', []],
    ['no owner', marksToWords(marks).slice(1)],
    ['an owner of another form', ['spk.owner=me', ...marksToWords(marks).slice(1)]],
    ['a time that is none', marksToWords(marks).map((word) => word.replace('never', 'soon'))],
  ])('are not believed where there is %s', (_, words) => {
    expect(wordsToMarks(words)).toBeUndefined();
  });

  test('have room for a kilobyte of reason and no more', () => {
    expect(() => requireReason('é'.repeat(513))).toThrow('The reason has 1026 bytes, and 1024 can be kept.');
  });
});

describe('the name of a kept snapshot', () => {
  const run = runId('0a1b2c3d');

  test('is that of the short-lived one with another beginning, and neither has the form of the other', () => {
    const name = mintKeptName(keptBy(run), 'lvm:x');
    expect(name).toBe(mintSnapshotName(run, 'lvm:x').replace('sp_', 'spk_'));
    expect(setOfName(name)).toBe(run);
    expect(setOfName(mintSnapshotName(run, 'lvm:x'))).toBeUndefined();
    expect(name).not.toMatch(/^sp_/);
  });

  test.each(['spk_0a1b2c3d', 'spk_0A1B2C3D_11111111', 'xspk_0a1b2c3d_11111111', 'spk_0a1b2c3d_11111111x'])(
    'is not %s',
    (name) => {
      expect(setOfName(name)).toBeUndefined();
    },
  );
});

describe('how long something is kept', () => {
  test.each([
    ['90min', 5400],
    ['12h', 43_200],
    ['7d', 604_800],
    ['4w', 2_419_200],
  ])('%s', (text, seconds) => {
    expect(parseLifetime(text)).toBe(seconds);
  });

  test.each(['', '7', '7m', '0d', '-1d', '1.5h', '1y', '7d2h'])('is not "%s"', (text) => {
    expect(() => parseLifetime(text)).toThrow('is not a length of time');
  });
});
