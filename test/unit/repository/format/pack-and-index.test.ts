import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlobId, PackId } from '../../../../shared/repository/format/ids.ts';
import { decodeIndex, encodeIndex } from '../../../../shared/repository/format/index-file.ts';
import {
  decodePackHeader,
  encodeHeaderLength,
  encodePackHeader,
  headerRange,
  type PackedBlob,
  packSizeOf,
} from '../../../../shared/repository/format/pack.ts';
import { decodeUnpacked, encodeUnpacked } from '../../../../shared/repository/format/unpacked.ts';

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const blobs: fc.Arbitrary<PackedBlob[]> = fc
  .array(
    fc.record({
      type: fc.constantFrom('data' as const, 'tree' as const),
      id: id.map((text) => text as BlobId),
      length: fc.integer({ min: 32, max: 9_000_000 }),
      uncompressedLength: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9_000_000 })),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) => {
    let offset = 0;
    return list.map((blob) => ({ ...blob, offset: (offset += blob.length) - blob.length }));
  });

describe('pack headers', () => {
  it('come back', () => {
    fc.assert(
      fc.property(blobs, (list) => {
        expect(decodePackHeader(encodePackHeader(list), 'the pack')).toEqual(list);
      }),
    );
  });

  it('have the bytes of the design document', () => {
    const one: PackedBlob = {
      type: 'tree',
      id: '11'.repeat(32) as BlobId,
      offset: 0,
      length: 0x01020304,
      uncompressedLength: 0,
    };
    expect(encodePackHeader([one]).toString('hex')).toBe(`0104030201${'11'.repeat(32)}`);
    expect(encodePackHeader([{ ...one, type: 'data', uncompressedLength: 5 }]).toString('hex')).toBe(
      `020403020105000000${'11'.repeat(32)}`,
    );
  });

  it('lie where the last four bytes say, and the pack has the size that follows', () => {
    fc.assert(
      fc.property(blobs, (list) => {
        const sealed = encodePackHeader(list).length + 32;
        const size = packSizeOf(list);
        const range = headerRange(encodeHeaderLength(sealed), size, 'the pack');
        expect(range).toEqual({ offset: size - 4 - sealed, length: sealed });
      }),
    );
  });

  it.each([0, 10, 68, 2 ** 31])('cannot be %i bytes long in a pack of 100', (length) => {
    expect(() => headerRange(encodeHeaderLength(length), 100, 'the pack')).toThrow('has no header');
  });

  it.each(['04', '00', `00${'00'.repeat(35)}`, `0001000000${'11'.repeat(32)}`])('never make sense of %s', (text) => {
    expect(() => decodePackHeader(Buffer.from(text, 'hex'), 'the pack')).toThrow('the pack');
  });
});

describe('index files', () => {
  it('come back', () => {
    const packs = fc.array(fc.record({ id: id.map((text) => text as PackId), blobs }), { maxLength: 5 });
    fc.assert(
      fc.property(packs, (list) => {
        expect([...decodeIndex(encodeIndex(list), 'the index')]).toEqual(list);
      }),
    );
  });

  it('are read whatever else newer versions add', () => {
    const stored = `{"supersedes":["x"],"packs":[{"id":"${'22'.repeat(32)}","blobs":[],"more":1}],"new":{}}`;
    expect([...decodeIndex(Buffer.from(stored), 'the index')]).toEqual([{ id: '22'.repeat(32), blobs: [] }]);
  });

  it.each([
    '{"packs":[{}]}',
    '{"packs":[null]}',
    '{"packs":3}',
    '{"packs":[{"id":"x","blobs":[]}]}',
    `{"packs":[{"id":"${'22'.repeat(32)}","blobs":[{"id":"${'22'.repeat(32)}","type":"data","offset":-1,"length":40}]}]}`,
    `{"packs":[{"id":"${'22'.repeat(32)}","blobs":[{"id":"${'22'.repeat(32)}","type":"other","offset":0,"length":40}]}]}`,
    '',
  ])('never make sense of %s', (stored) => {
    expect(() => [...decodeIndex(Buffer.from(stored), 'the index')]).toThrow('the index');
  });
});

describe('unpacked files', () => {
  it('come back in both versions', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const plain = Buffer.from(`{"value":${json}}`);
        expect(encodeUnpacked(plain, 1)).toEqual(plain);
        expect(encodeUnpacked(plain, 2)[0]).toBe(2);
        for (const version of [1, 2] as const)
          expect(decodeUnpacked(encodeUnpacked(plain, version), 'it')).toEqual(plain);
      }),
    );
  });

  it.each(['', '03', '02', '02deadbeef'])('refuse %j', (text) => {
    expect(() => decodeUnpacked(Buffer.from(text, 'hex'), 'the lock')).toThrow('the lock');
  });
});
