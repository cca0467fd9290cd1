/** Which packs are rewritten first, and when it is enough. */
import { expect, it } from 'vitest';
import type { PackId } from '../../../../shared/repository/ids.ts';
import { choosePacks } from '../../../../shared/repository/prune/choose-packs.ts';
import type { PackUse } from '../../../../shared/repository/prune/pack-usage.ts';

const MIB = 1024 ** 2;

function pack(name: string, usedMiB: number, unusedMiB: number, more: Partial<PackUse> = {}): PackUse {
  return {
    id: name as PackId,
    sizeBytes: (usedMiB + unusedMiB) * MIB,
    isWhole: true,
    type: 'data',
    hasUncompressed: false,
    usedBlobs: usedMiB,
    usedBytes: usedMiB * MIB,
    unusedBlobs: unusedMiB,
    unusedBytes: unusedMiB * MIB,
    ...more,
  };
}

const chosen = (packs: readonly PackUse[], maxUnused: string, maxRepackBytes?: number): string =>
  choosePacks(packs, 2, { maxUnused, ...(maxRepackBytes === undefined ? {} : { maxRepackBytes }) })
    .repack.map(({ id }) => id)
    .join();

it('the packs with the largest share of unused data go first, until little enough is left', () => {
  const packs = [pack('a', 15, 1), pack('b', 4, 12), pack('c', 8, 8), pack('d', 13, 3), pack('e', 16, 0)];
  expect(chosen(packs, '24M')).toBe('');
  expect(chosen(packs, '23M')).toBe('b');
  expect(chosen(packs, '11M')).toBe('b,c');
  expect(chosen(packs, '1M')).toBe('b,c,d');
  expect(chosen(packs, '0')).toBe('a,b,c,d');
  // 56 MiB are used: 5 % of what stays may be unused, which is 2.9 MiB.
  expect(chosen(packs, '5%')).toBe('b,c,d');
});

it('trees, mixed packs and what must be compressed go whatever is allowed to be unused', () => {
  const packs = [
    pack('a', 15, 1),
    pack('b', 15, 1, { type: 'tree' }),
    pack('c', 16, 0, { type: 'mixed' }),
    pack('d', 16, 0, { type: 'tree', hasUncompressed: true }),
    pack('e', 16, 0, { hasUncompressed: true }),
    pack('f', 16, 0, { type: 'tree' }),
  ];
  expect(chosen(packs, 'unlimited')).toBe('b,c,d');
  const options = { maxUnused: 'unlimited', repackUncompressed: true };
  expect(choosePacks(packs, 2, options).repack.map(({ id }) => id)).toEqual(['b', 'c', 'd', 'e']);
  expect(chosen(packs, 'unlimited', 33 * MIB)).toBe('b,c');
});

it('many small packs are put together, a few are left as they are', () => {
  const small = (count: number): PackUse[] =>
    Array.from({ length: count }, (_, index) => pack(String.fromCharCode(97 + index), 0.5, 0));
  expect(chosen(small(9), '0%')).toBe('');
  expect(chosen(small(10), 'unlimited')).toBe('a,b,c,d,e,f,g,h,i,j');
});
