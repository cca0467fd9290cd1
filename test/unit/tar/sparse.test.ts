/** What an entry's content and its map say of each other, where they disagree. */
import { describe, expect, test } from 'vitest';
import type { TarEntry } from '../../../shared/tar/entry.ts';
import { expandSparse, type SparseEvent } from '../../../shared/tar/sparse.ts';

async function expand(size: number, stored: string, sparse: readonly number[] | undefined): Promise<SparseEvent[]> {
  const entry = {
    size,
    position: 512,
    sparse: sparse === undefined ? undefined : Float64Array.from(sparse),
    content: (async function* () {
      yield Buffer.from(stored);
    })(),
  };
  return await Array.fromAsync(expandSparse(entry as unknown as TarEntry));
}

describe('the content of a file', () => {
  test('is its parts and the holes between and behind them', async () => {
    const events = await expand(10, 'abcd', [2, 3, 7, 1]);
    expect(events.map((event) => [event.kind, event.offset])).toEqual([
      ['hole', 0],
      ['data', 2],
      ['hole', 5],
      ['data', 7],
      ['hole', 8],
    ]);
  });

  test.each([
    ['that is longer than its size', 3, undefined],
    ['that is longer than its parts', 10, [2, 3]],
  ])('%s is refused', async (_name, size, sparse) => {
    await expect(expand(size, 'abcd', sparse)).rejects.toMatchObject({ code: 'read.malformed' });
  });

  test('that is shorter than its parts is refused', async () => {
    await expect(expand(10, 'abcd', [2, 5])).rejects.toMatchObject({ code: 'read.incomplete' });
  });
});
