/**
 * Where content is cut. The reference is slow and obvious: one byte after the other, a window in a ring, borders wherever they
 * are; that restic cuts at the same places is seen in `test/interop/same-pieces.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../.ci/assemble.ts';
import { randomPolynomial } from '../../../shared/repository/format/polynomial.ts';
import { blobIdOf } from '../../../shared/repository/ids.ts';
import { LEAST_PIECE_BYTES, MOST_PIECE_BYTES } from '../../../shared/repository/pieces.ts';
import { createBorderFinder } from '../../../shared/repository/workers/border-finder.ts';
import { BORDER_WASM } from '../../../shared/repository/workers/border-wasm.ts';
import { ContentCutter, type Cut, isPiece } from '../../../shared/repository/workers/content-cutter.ts';
import { cutTables } from '../../../shared/repository/workers/cut-tables.ts';
import { referenceLengths } from '../../support/reference-cutter.ts';
import { type Chance, chanceFrom } from '../../support/seeded.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const POLYNOMIAL = 0x3ed95bf0de7983n;

const cutter = (polynomial = POLYNOMIAL): ContentCutter => new ContentCutter(createBorderFinder(cutTables(polynomial)));

const lengthsOf = (cuts: readonly Cut[]): number[] =>
  cuts.flatMap((cut) =>
    typeof cut === 'number' ? Array.from({ length: cut }, () => LEAST_PIECE_BYTES) : [cut.length],
  );

const contentOf = (cuts: readonly Cut[]): Buffer =>
  Buffer.concat(cuts.map((cut) => (typeof cut === 'number' ? Buffer.alloc(cut * LEAST_PIECE_BYTES) : cut)));

/** In packets as long as `next` says. */
function cutInPackets(content: Buffer, next: () => number, polynomial = POLYNOMIAL): Cut[] {
  const one = cutter(polynomial);
  const cuts: Cut[] = [];
  for (let at = 0; at < content.length; ) {
    const length = next();
    // A copy, because it is the cutter's from then on.
    cuts.push(...one.add([Uint8Array.from(content.subarray(at, at + length))]));
    at += length;
  }
  return [...cuts, ...one.end()];
}

interface Run {
  readonly kind: 'chance' | 'zeros' | 'same';
  readonly length: number;
}

/** Of lengths around those that matter: of a window, of a block of the search, of the least and the most of a piece. */
function someRuns(chance: Chance): Run[] {
  const around = [0, 64, 8 * KIB, 32 * KIB, LEAST_PIECE_BYTES, LEAST_PIECE_BYTES + 64, MIB, 3 * LEAST_PIECE_BYTES];
  return Array.from({ length: 2 + chance.below(7) }, () => ({
    kind: chance.pick(['chance', 'zeros', 'zeros', 'same'] as const),
    length: Math.max(0, chance.pick(around) + chance.below(5) - 2) + chance.pick([0, 0, chance.below(MIB)]),
  }));
}

const bytesOf = ({ kind, length }: Run, chance: Chance): Buffer =>
  kind === 'chance' ? chance.bytes(length) : Buffer.alloc(length, kind === 'same' ? 'a' : 0);

test('what searches for borders is what border.wat says, byte for byte', async () => {
  const source = new URL('../../../shared/repository/workers/border.wat', import.meta.url);
  const assembled = Buffer.from(await assemble(readFileSync(source, 'utf8')));
  expect(BORDER_WASM, 'run: node .ci/write-wasm.ts').toBe(assembled.toString('base64'));
});

describe('content is cut where the reference cuts it', () => {
  test.each([1, 2, 3, 4, 5, 6])('by chance and by any polynomial, in packets of any length: %d', (seed) => {
    const chance = chanceFrom(seed);
    const polynomial = seed === 1 ? POLYNOMIAL : randomPolynomial();
    const content = chance.bytes(6 * MIB + chance.below(MIB));
    const expected = referenceLengths(content, polynomial);
    const words = `polynomial ${polynomial.toString(16)}`;
    const whole = cutInPackets(content, () => content.length, polynomial);
    expect(lengthsOf(whole), words).toEqual(expected);
    expect(contentOf(whole).equals(content), words).toBe(true);
    const size = chance.pick([1 + chance.below(5000), 65_536, MIB, MIB + 1]);
    expect(lengthsOf(cutInPackets(content, () => 1 + chance.below(size), polynomial)), words).toEqual(expected);
  });

  test('with borders at every place of a block, next to each other and at its seams', () => {
    // A window of zeros is a border, so 64 of them put one wherever it is wanted.
    const chance = chanceFrom(7);
    const base = chance.bytes(LEAST_PIECE_BYTES + 256 * KIB).map((byte) => byte | 1);
    for (const at of [0, 1, 63, 64, 65, 8191, 8192, 8193, 16_384, 24_575, 32_766, 32_767, 32_768, 32_769, 65_535]) {
      const content = Buffer.from(base);
      content.fill(0, LEAST_PIECE_BYTES + at - 64, LEAST_PIECE_BYTES + at);
      const expected = referenceLengths(content, POLYNOMIAL);
      expect(expected[0], `${at}`).toBeLessThanOrEqual(LEAST_PIECE_BYTES + at);
      expect(lengthsOf(cutInPackets(content, () => MIB)), `${at}`).toEqual(expected);
    }
  });

  test('with none at all, at the most length, and one byte about it', () => {
    for (const length of [MOST_PIECE_BYTES - 1, MOST_PIECE_BYTES, MOST_PIECE_BYTES + 1, 2 * MOST_PIECE_BYTES + 100]) {
      const content = Buffer.alloc(length, 'a');
      const expected = referenceLengths(content, POLYNOMIAL);
      expect(Math.max(...expected)).toBe(Math.min(length, MOST_PIECE_BYTES));
      expect(lengthsOf(cutInPackets(content, () => 700_001))).toEqual(expected);
    }
  });

  test.each(Array.from({ length: 24 }, (_, n) => 100 + n))('a hole told as one, as its zeros are: %d', (seed) => {
    const chance = chanceFrom(seed);
    const runs = someRuns(chance);
    const parts = runs.map((run) => bytesOf(run, chance));
    const told = cutter();
    const cuts: Cut[] = [];
    for (const [index, run] of runs.entries()) {
      const data = parts[index] as Buffer;
      cuts.push(...(run.kind === 'zeros' ? told.addZeros(run.length) : told.add([Uint8Array.from(data)])));
    }
    cuts.push(...told.end());
    const content = Buffer.concat(parts);
    const words = JSON.stringify(runs);
    expect(lengthsOf(cuts), words).toEqual(referenceLengths(content, POLYNOMIAL));
    expect(contentOf(cuts).equals(content), words).toBe(true);
    expect(lengthsOf(cutInPackets(content, () => 1 + chance.below(MIB))), words).toEqual(lengthsOf(cuts));
  });

  test('as soon as there is enough of it: no more is held than a piece may have, and a block', () => {
    const one = cutter();
    let held = 0;
    for (let n = 0; n < 40; n += 1) {
      held += MIB + 1;
      for (const length of lengthsOf(one.add([new Uint8Array(MIB + 1).fill(97)]))) held -= length;
      expect(held).toBeLessThan(MOST_PIECE_BYTES);
    }
  });

  test('and from any of its borders on as from the beginning', () => {
    const content = Buffer.concat([chanceFrom(8).bytes(3 * MIB), Buffer.alloc(2 * MIB), chanceFrom(9).bytes(3 * MIB)]);
    const all = lengthsOf(cutInPackets(content, () => MIB));
    expect(all.length).toBeGreaterThan(6);
    let at = 0;
    for (const [index, length] of all.entries()) {
      expect(lengthsOf(cutInPackets(content.subarray(at), () => MIB))).toEqual(all.slice(index));
      at += length;
    }
  });
});

test('what moved is cut as before', () => {
  const content = chanceFrom(12).bytes(8 * MIB);
  const moved = Buffer.concat([Buffer.from('a row more'), content]);
  const before = new Set(cutInPackets(content, () => MIB).map((cut) => blobIdOf(cut as Uint8Array)));
  const after = cutInPackets(moved, () => MIB).map((cut) => blobIdOf(cut as Uint8Array));
  expect(after.length).toBeGreaterThan(4);
  expect(after.filter((id) => !before.has(id)).length).toBeLessThanOrEqual(2);
});

test('a hole of terabytes is told as one number, and what is around it is kept', () => {
  const one = cutter();
  const [before, after] = [chanceFrom(10).bytes(300_000), chanceFrom(11).bytes(200_000)];
  const cuts = [
    ...one.add([Uint8Array.from(before)]),
    ...one.addZeros(5 * 1024 ** 4 + 7),
    ...one.add([after]),
    ...one.end(),
  ];
  expect(cuts).toHaveLength(3);
  const [first, zeros, last] = cuts as [Uint8Array, number, Uint8Array];
  expect(first.length).toBe(LEAST_PIECE_BYTES);
  expect(first.length + zeros * LEAST_PIECE_BYTES + last.length).toBe(500_000 + 5 * 1024 ** 4 + 7);
  expect(Buffer.from(last).subarray(-200_000).equals(chanceFrom(11).bytes(200_000))).toBe(true);
});

test('zeros that come as bytes are told like a hole, and each other piece is in a buffer of its own', () => {
  const one = cutter();
  const cuts = [...one.add([new Uint8Array(3 * MIB)]), ...one.end()];
  expect(cuts.map((cut) => typeof cut)).toEqual(cuts.map(() => 'number'));
  expect(lengthsOf(cuts)).toEqual(Array.from({ length: 6 }, () => LEAST_PIECE_BYTES));
  expect(one.end()).toEqual([]);
  const [piece] = [...one.add([Buffer.from('short')]), ...one.end()];
  expect((piece as Uint8Array).buffer.byteLength).toBe(5);
});

test('whoever looks in between changes nothing, and knows where a piece has ended', () => {
  const chance = chanceFrom(11);
  const content = Buffer.concat(
    someRuns(chance)
      .concat({ kind: 'chance', length: 5 * MIB })
      .map((run) => bytesOf(run, chance)),
  );
  const expected = referenceLengths(content, POLYNOMIAL);
  const borders = new Set(
    expected.slice(0, -1).map((_, at) => expected.slice(0, at + 1).reduce((sum, length) => sum + length, 0)),
  );
  const one = cutter();
  const cuts: Cut[] = [];
  const stops = [...borders, ...Array.from({ length: 40 }, () => chance.below(content.length))].toSorted(
    (a, b) => a - b,
  );
  let from = 0;
  for (const stop of stops) {
    cuts.push(...one.add([Uint8Array.from(content.subarray(from, stop))]), ...one.look());
    expect(one.openBytes === 0, `at ${stop}`).toBe(borders.has(stop) || stop === 0);
    from = stop;
  }
  cuts.push(...one.add([Uint8Array.from(content.subarray(from))]), ...one.end());
  expect(lengthsOf(cuts)).toEqual(expected);
});

test('what is a piece has a border behind it and none in it', () => {
  const finder = createBorderFinder(cutTables(POLYNOMIAL));
  const content = chanceFrom(12).bytes(12 * MIB);
  const [first = 0, second = 0] = referenceLengths(content, POLYNOMIAL);
  expect(isPiece(finder, Uint8Array.from(content.subarray(0, first)))).toBe(true);
  expect(isPiece(finder, Uint8Array.from(content.subarray(first, first + second)))).toBe(true);
  expect(isPiece(finder, Uint8Array.from(content.subarray(0, first + second)))).toBe(false);
  expect(isPiece(finder, Uint8Array.from(content.subarray(0, first - 1)))).toBe(false);
  expect(isPiece(finder, Uint8Array.from(content.subarray(0, MIB)))).toBe(false);
  expect(isPiece(finder, new Uint8Array(LEAST_PIECE_BYTES))).toBe(true);
  expect(isPiece(finder, new Uint8Array(2 * LEAST_PIECE_BYTES))).toBe(false);
});
