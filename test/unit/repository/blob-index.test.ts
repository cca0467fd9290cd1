import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeIndex, type IndexedPack } from '../../../shared/repository/format/index-file.ts';
import { readIndex } from '../../../shared/repository/format/index-table.ts';
import type { PackedBlob } from '../../../shared/repository/format/pack.ts';
import type { BlobId, BlobType, PackId } from '../../../shared/repository/ids.ts';
import { BlobIndex } from '../../../shared/repository/index/blob-index.ts';

const idOf = (seed: string): string => createHash('sha256').update(seed).digest('hex');

/** Few ids, many packs: duplicates are the interesting case. */
const packs: fc.Arbitrary<IndexedPack[]> = fc.array(
  fc
    .record({ pack: fc.nat(8), blobs: fc.array(fc.record({ seed: fc.nat(12), tree: fc.boolean() }), { maxLength: 6 }) })
    .map(({ pack, blobs }) => ({
      id: idOf(`pack ${pack} ${JSON.stringify(blobs)}`) as PackId,
      blobs: blobs.map(({ seed, tree }, index) => ({
        type: tree ? ('tree' as const) : ('data' as const),
        id: idOf(`blob ${seed}`) as BlobId,
        offset: index * 100,
        length: 100,
        uncompressedLength: seed % 2 === 0 ? 0 : 200 + seed,
      })),
    })),
  { maxLength: 30 },
);

describe('the index in memory', () => {
  it('answers as a plain map does, duplicates included', () => {
    fc.assert(
      fc.property(packs, (list) => {
        const index = new BlobIndex();
        const model = new Map<string, Set<string>>();
        for (const pack of list) {
          if (pack.blobs.length % 2 === 0) index.addPack(pack);
          else index.addTable(readIndex(encodeIndex([pack]), 'the index'));
          for (const blob of pack.blobs) {
            const key = `${blob.type} ${blob.id}`;
            model.set(key, (model.get(key) ?? new Set()).add(JSON.stringify({ ...blob, pack: pack.id })));
          }
        }
        for (const type of ['data', 'tree'] as BlobType[]) {
          for (let seed = 0; seed <= 13; seed++) {
            const id = idOf(`blob ${seed}`) as BlobId;
            const expected = model.get(`${type} ${id}`) ?? new Set();
            const found = index
              .findAll(type, id)
              .map(({ pack, type: t, id: i, offset, length, uncompressedLength }) =>
                JSON.stringify({ type: t, id: i, offset, length, uncompressedLength, pack }),
              );
            expect(new Set(found)).toEqual(expected);
            expect(found.length).toBe(expected.size);
            expect(index.has(type, id)).toBe(expected.size > 0);
          }
        }
      }),
    );
  });

  it('gives back every pack whole, also where several index files name it', () => {
    fc.assert(
      fc.property(packs, (list) => {
        const index = new BlobIndex();
        for (const pack of list) index.addPack({ ...pack, blobs: pack.blobs.slice(0, 2) });
        index.addTable(readIndex(encodeIndex(list), 'the index'));
        for (const pack of list) index.addPack(pack);
        const expected = new Map(list.filter(({ blobs }) => blobs.length > 0).map(({ id, blobs }) => [id, blobs]));
        const found = new Map([...index.packs()].map(({ id, blobs }) => [id, blobs.map(withoutPack)]));
        expect(found).toEqual(expected);
      }),
    );
  });

  it('grows to many blobs and takes less than 70 bytes for each', () => {
    const index = new BlobIndex();
    const count = 300_000;
    const before = memory();
    for (let pack = 0; pack < count / 1000; pack++) {
      const blobs = Array.from({ length: 1000 }, (_, n) => ({
        type: 'data' as const,
        id: idOf(`${pack}/${n}`) as BlobId,
        offset: n * 50,
        length: 50,
        uncompressedLength: 0,
      }));
      index.addPack({ id: idOf(`pack ${pack}`) as PackId, blobs });
    }
    expect(index.blobCount).toBe(count);
    expect((memory() - before) / count).toBeLessThan(70);
    for (let n = 0; n < count; n += 997) {
      const place = index.find('data', idOf(`${Math.floor(n / 1000)}/${n % 1000}`) as BlobId);
      expect(place).toMatchObject({ pack: idOf(`pack ${Math.floor(n / 1000)}`), offset: (n % 1000) * 50 });
    }
    expect(index.has('tree', idOf('0/0') as BlobId)).toBe(false);
    expect(index.has('data', idOf('other') as BlobId)).toBe(false);
  });
});

/** The table is all in array buffers, which need no collection to be counted. */
function memory(): number {
  return process.memoryUsage().arrayBuffers;
}

function withoutPack({ type, id, offset, length, uncompressedLength }: PackedBlob): PackedBlob {
  return { type, id, offset, length, uncompressedLength };
}
