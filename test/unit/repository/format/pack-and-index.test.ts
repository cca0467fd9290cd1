import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { decodeIndex, encodeIndex, type IndexedPack } from '../../../../shared/repository/format/index-file.ts';
import { type IndexTable, readIndex } from '../../../../shared/repository/format/index-table.ts';
import {
  decodePackHeader,
  encodeHeaderLength,
  encodePackHeader,
  headerRange,
  type PackedBlob,
  packSizeOf,
} from '../../../../shared/repository/format/pack.ts';
import { decodeUnpacked, encodeUnpacked } from '../../../../shared/repository/format/unpacked.ts';
import type { BlobId, PackId } from '../../../../shared/repository/ids.ts';

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

describe('index tables', () => {
  const packs = fc.array(fc.record({ id: id.map((text) => text as PackId), blobs }), { maxLength: 5 });

  it('hold what the general reader finds', () => {
    fc.assert(
      fc.property(packs, fc.array(id, { maxLength: 2 }), (list, supersedes) => {
        const plain = encodeIndex(list).toString();
        const before = supersedes.length === 0 ? '{' : `{"supersedes":${JSON.stringify(supersedes)},`;
        expect(unfold(readIndex(Buffer.from(before + plain.slice(1)), 'the index'))).toEqual(list);
      }),
    );
  });

  it.each(['', '\n'])(
    'are read without making objects of them, whether they end with %j, as ours, or as those of restic',
    (end) => {
      const list = [{ id: 'ab'.repeat(32) as PackId, blobs: [] }];
      const json = Buffer.from(encodeIndex(list).toString().trimEnd() + end);
      const parse = vi.spyOn(JSON, 'parse');
      const table = readIndex(json, 'the index');
      const calls = parse.mock.calls.length;
      parse.mockRestore();
      expect(unfold(table)).toEqual(list);
      expect(calls).toBe(0);
    },
  );

  it('are as strict and as lenient as the general reader, whatever changes in the text', () => {
    const pieces = [
      '0',
      '-1',
      '1.0',
      '4294967296',
      ',',
      ' ',
      '"',
      '{}',
      ']',
      '"x":null,',
      'A',
      '\\u0030',
      '\u00e9',
      '',
    ];
    const remove = fc.constantFrom(0, 0, 1, 4, 12);
    const change = fc.record({ at: fc.nat(), anywhere: fc.boolean(), remove, insert: fc.constantFrom(...pieces) });
    let wereRead = 0;
    fc.assert(
      fc.property(packs, change, (list, edit) => {
        const text = encodeIndex(list).toString();
        // Where values begin is where most can go wrong.
        const starts = [...text.matchAll(/[:,[{]"?/g)].map((mark) => mark.index + mark[0].length);
        const at = edit.anywhere ? edit.at % text.length : (starts[edit.at % starts.length] ?? 0);
        const json = Buffer.from(text.slice(0, at) + edit.insert + text.slice(at + edit.remove));
        const expected = attempt(() => [...decodeIndex(json, 'the index')]);
        expect(attempt(() => unfold(readIndex(json, 'the index')))).toEqual(expected);
        if (Array.isArray(expected)) wereRead += 1;
      }),
      { numRuns: 2000 },
    );
    expect(wereRead).toBeGreaterThan(100);
  });

  it.each([
    ['}]}]}', '}]}]}x'],
    ['}]}]}', '}]}]}\n'],
    ['}]}]}', '}]}]}\n\n'],
    ['}]}]}', '}]}'],
    ['"offset":0', '"offset":'],
    ['"offset":0', '"offset":00'],
    ['"length":40', '"length":4294967296'],
    ['"length":40', '"length":4294967295'],
  ])('agree with the general reader when %s becomes %s', (before, after) => {
    const blob = `{"id":"${'22'.repeat(32)}","type":"data","offset":0,"length":40}`;
    const text = `{"packs":[{"id":"${'11'.repeat(32)}","blobs":[${blob}]}]}`;
    expect(text).toContain(before);
    const json = Buffer.from(text.replace(before, after));
    const expected = attempt(() => [...decodeIndex(json, 'the index')]);
    expect(attempt(() => unfold(readIndex(json, 'the index')))).toEqual(expected);
  });

  function attempt(read: () => IndexedPack[]): IndexedPack[] | string {
    try {
      return read();
    } catch (error) {
      return String(error);
    }
  }

  function unfold({ packs: ids, ends, ids: bytes, facts }: IndexTable): IndexedPack[] {
    return ids.map((packId, index) => ({
      id: packId,
      blobs: Array.from({ length: (ends[index] ?? 0) - (ends[index - 1] ?? 0) }, (_, n) => {
        const entry = (ends[index - 1] ?? 0) + n;
        const [tree, offset = 0, length = 0, uncompressedLength = 0] = facts.subarray(entry * 4, entry * 4 + 4);
        const blobId = bytes.toString('hex', entry * 32, (entry + 1) * 32) as BlobId;
        return { type: tree === 1 ? 'tree' : 'data', id: blobId, offset, length, uncompressedLength };
      }),
    }));
  }
});

describe('unpacked files', () => {
  it('come back in both versions', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const plain = Buffer.from(`{"value":${json}}`);
        expect(encodeUnpacked(plain, 1)).toEqual(plain);
        expect(encodeUnpacked(plain, 2)[0]).toBe(2);
        for (const version of [1, 2] as const)
          expect(decodeUnpacked(encodeUnpacked(plain, version), 'index', 'it')).toEqual(plain);
      }),
    );
  });

  it.each(['', '03', '02', '02deadbeef'])('refuse %j', (text) => {
    expect(() => decodeUnpacked(Buffer.from(text, 'hex'), 'locks', 'the lock')).toThrow('the lock');
  });
});
