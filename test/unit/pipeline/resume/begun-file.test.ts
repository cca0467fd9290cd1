import { expect, test } from 'vitest';
import { tailOf } from '../../../../shared/pipeline/resume/begun-file.ts';
import { chanceFrom } from '../../../support/seeded.ts';

/** The stored bytes of a file of such a map, each with its place as its value. */
function contentOf(map: Float64Array | undefined, size: number): number[] {
  const content = new Array<number>(size).fill(0);
  for (let at = 0; at < (map?.length ?? 2); at += 2) {
    const [offset, length] = map === undefined ? [0, size] : [map[at] ?? 0, map[at + 1] ?? 0];
    for (let byte = offset; byte < offset + length; byte += 1) content[byte] = byte + 1;
  }
  return content;
}

test('what is left of a file is its end, wherever it begins and whatever is a hole', () => {
  const chance = chanceFrom(7);
  for (let round = 0; round < 500; round += 1) {
    const size = 1 + chance.below(60);
    const numbers: number[] = [];
    for (let offset = chance.below(10); offset < size; ) {
      const length = Math.min(size - offset, 1 + chance.below(9));
      numbers.push(offset, length);
      offset += length + chance.below(9);
    }
    const sparse = round % 5 === 0 ? undefined : Float64Array.from(numbers);
    const from = chance.below(size + 1);
    const tail = tailOf(size, sparse, from);
    expect(tail.size).toBe(size - from);
    const whole = contentOf(sparse, size);
    // By its own map, from the bytes that are asked of the host.
    const asked = tail.parts.wanted.flatMap(({ offset, length }) => whole.slice(offset, offset + length));
    const built = new Array<number>(tail.size).fill(0);
    let at = 0;
    const map = tail.sparse ?? Float64Array.of(0, tail.size);
    for (let part = 0; part < map.length; part += 2)
      for (let byte = 0; byte < (map[part + 1] ?? 0); byte += 1) built[(map[part] ?? 0) + byte] = asked[at++] ?? -1;
    expect(built).toEqual(whole.slice(from));
    expect(at).toBe(asked.length);
  }
});
