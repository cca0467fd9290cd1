import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largestUseful, SIZING, type SizingInput, sizeSnapshot } from '../../../shared/snapshot/lvm/thick/sizing.ts';

const EXTENT = 4 * 1024 * 1024;
const GIB = 1024 ** 3;

const input: fc.Arbitrary<SizingInput> = fc
  .record({
    extentBytes: fc.constantFrom(EXTENT, 32 * EXTENT, 1024 * 1024),
    originExtents: fc.integer({ min: 1, max: 500_000 }),
    freeExtents: fc.integer({ min: 0, max: 1_000_000 }),
    used: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    rate: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined }),
  })
  .map(({ extentBytes, originExtents, freeExtents, used, rate }) => ({
    extentBytes,
    originBytes: originExtents * extentBytes,
    freeBytes: freeExtents * extentBytes,
    usedBytes: used === undefined ? undefined : Math.floor(used * originExtents * extentBytes),
    writtenBytesPerSecond: rate,
  }));

describe('the size of a snapshot', () => {
  test('is whole extents, at least what is needed, at most what is useful, and leaves the reserve', () => {
    fc.assert(
      fc.property(input, (facts) => {
        const { size, needed } = sizeSnapshot(facts);
        const useful = largestUseful(facts.originBytes, facts.extentBytes);
        const spare = facts.freeBytes * (1 - SIZING.reserveShare);
        expect(needed % facts.extentBytes).toBe(0);
        expect(needed).toBeLessThanOrEqual(useful);
        if (size === undefined) {
          expect(needed).toBeGreaterThan(spare - facts.extentBytes);
          return;
        }
        expect(Number.isInteger(size.extents)).toBe(true);
        expect(size.extents * facts.extentBytes).toBe(size.sizeBytes);
        expect(size.sizeBytes).toBeGreaterThanOrEqual(needed);
        expect(size.sizeBytes).toBeLessThanOrEqual(Math.min(useful, spare));
        expect(size.cannotOverflow).toBe(size.sizeBytes === useful);
      }),
    );
  });

  test('never shrinks with more room, nor with more writing', () => {
    fc.assert(
      fc.property(input, fc.nat(100_000), fc.double({ min: 0, max: 1e8, noNaN: true }), (facts, more, faster) => {
        const before = sizeSnapshot(facts);
        const roomier = sizeSnapshot({ ...facts, freeBytes: facts.freeBytes + more * facts.extentBytes });
        expect(roomier.size?.sizeBytes ?? 0).toBeGreaterThanOrEqual(before.size?.sizeBytes ?? 0);
        const rate = (facts.writtenBytesPerSecond ?? 0) + faster;
        expect(sizeSnapshot({ ...facts, writtenBytesPerSecond: rate }).needed).toBeGreaterThanOrEqual(before.needed);
      }),
    );
  });

  test('is enough for every chunk where there is room for it', () => {
    const origin = 10 * GIB;
    const { size } = sizeSnapshot({
      originBytes: origin,
      usedBytes: GIB,
      freeBytes: 100 * GIB,
      extentBytes: EXTENT,
      writtenBytesPerSecond: 0,
    });
    // Each chunk of 4 KiB, 16 bytes of table for each, and two extents for header and rounding.
    expect(size?.sizeBytes).toBeGreaterThanOrEqual(origin + (origin / 4096) * 16 + 4096);
    expect(size?.cannotOverflow).toBe(true);
  });

  test('needs no more than the floor for a quiet volume', () => {
    const { needed } = sizeSnapshot({
      originBytes: GIB,
      usedBytes: 1000,
      freeBytes: 0,
      extentBytes: EXTENT,
      writtenBytesPerSecond: 0,
    });
    expect(needed).toBe(SIZING.floorBytes);
  });
});
