import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHUNK_BYTES, ContentStore, ZERO_BYTES } from '../../../shared/pipeline/backup/file-content.ts';
import type { FilePart } from '../../../shared/pipeline/resume/file-part.ts';
import { blobIdOf } from '../../../shared/repository/ids.ts';
import type { RepositoryWriter } from '../../../shared/repository/repository.ts';
import type { TarEntry } from '../../../shared/tar/entry.ts';
import { aHead } from '../../support/tar-streams.ts';
import { testSignal } from '../../support/test-repository.ts';

/** What every chunk's id must be, computed on the whole content. */
const idsOf = (content: Buffer): string[] => {
  const ids = [];
  const zeros = blobIdOf(Buffer.alloc(ZERO_BYTES));
  for (let at = 0; at < content.length; at += CHUNK_BYTES) {
    const piece = content.subarray(at, at + CHUNK_BYTES);
    ids.push(...(piece.equals(Buffer.alloc(CHUNK_BYTES)) ? [zeros, zeros] : [blobIdOf(piece)]));
  }
  return ids;
};

const puts: number[] = [];
const writer: RepositoryWriter = {
  adopt: () => Promise.resolve(0),
  put: async (_type, data) => {
    puts.push(data.length);
    const id = blobIdOf(Buffer.from(data));
    return { saved: Promise.resolve({ id, isNew: true, storedBytes: data.length }) };
  },
  reseal: () => Promise.reject(new Error('nobody reseals here')),
  known: () => false,
  cut: (content) => content,
  flush: () => Promise.reject(new Error('nobody flushes here')),
  stats: { dataBlobsNew: 0, treeBlobsNew: 0, bytesPut: 0, bytesNew: 0, bytesStored: 0, packs: 0 },
  [Symbol.asyncDispose]: async () => undefined,
};

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The entry as tar brings it: with a map only the listed parts are in the stream. */
function entryOf(
  content: Buffer,
  map: readonly (readonly [number, number])[] | undefined,
  pieceSize: number,
): TarEntry {
  const stored =
    map === undefined ? content : Buffer.concat(map.map(([at, length]) => content.subarray(at, at + length)));
  return {
    ...aHead({ size: content.length, sparse: map && Float64Array.from(map.flat()) }),
    atime: undefined,
    sparseEnd: undefined,
    ctime: undefined,
    storedSize: stored.length,
    position: 0,
    content: inPieces(stored, pieceSize),
  };
}

const store = async (entry: TarEntry): Promise<readonly string[]> =>
  await (await new ContentStore(writer).store(entry, () => undefined, testSignal())).ids;

describe('content becomes blobs of 1 MiB', () => {
  let pattern: Buffer;
  beforeAll(() => {
    pattern = Buffer.from(Array.from({ length: 5 * CHUNK_BYTES }, (_, at) => 1 + ((at * 7 + (at >> 11)) % 255)));
  });
  afterAll(() => puts.splice(0));

  test('of a large file is told part by part what is stored of it, and a failure is one of the file alone', async () => {
    const signal = testSignal();
    const parts: Promise<FilePart>[] = [];
    const note = (part: Promise<FilePart>): void => void parts.push(part);
    const big = Buffer.concat([pattern, pattern]);
    const { ids } = await new ContentStore(writer).store(
      entryOf(big, undefined, 65_537),
      () => undefined,
      signal,
      note,
    );
    const all = await ids;
    const told = await Promise.all(parts);
    expect(told.map(({ endsAt }) => endsAt / CHUNK_BYTES)).toEqual([4, 8]);
    expect(told.flatMap((part) => part.ids)).toEqual(all.slice(0, 8));

    const full = new Error('the disk is full');
    const put: RepositoryWriter['put'] = async () => {
      const saved = Promise.reject(full);
      saved.catch(() => undefined);
      return { saved };
    };
    const failing = new ContentStore({ ...writer, put });
    const failed = await failing.store(
      entryOf(big, undefined, 65_537),
      () => undefined,
      signal,
      () => undefined,
    );
    await expect(failed.ids).rejects.toBe(full);
  });

  test.each([
    0,
    1,
    511,
    512,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    2 * CHUNK_BYTES - 1,
    2 * CHUNK_BYTES,
    3 * CHUNK_BYTES + 5,
  ])('of %d bytes, in pieces of any size', async (size) => {
    const content = pattern.subarray(0, size);
    for (const piece of [65_536, 1_000_003, 3 * CHUNK_BYTES]) {
      expect(await store(entryOf(content, undefined, piece))).toEqual(idsOf(content));
    }
  });

  test('the same blobs for a file with holes as for its plain content', async () => {
    // Edges on, just before and just behind the borders of blobs are where mistakes live.
    const edge = fc
      .tuple(fc.nat(4), fc.constantFrom(-4096, -1, 0, 1, 512, 4096, 500_000))
      .map(([blob, off]) => Math.max(0, blob * CHUNK_BYTES + off));
    await fc.assert(
      fc.asyncProperty(
        fc.array(edge, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(10_000, 65_536, 2_000_000),
        async (edges, piece) => {
          const borders = [...new Set(edges)].toSorted((a, b) => a - b);
          const size = borders.at(-1) ?? 0;
          const content = Buffer.alloc(size);
          const map: [number, number][] = [];
          for (let at = 0; at + 1 < borders.length; at += 2) {
            const [from = 0, to = 0] = [borders[at], borders[at + 1]];
            pattern.copy(content, from, from, to);
            map.push([from, to - from]);
          }
          expect(await store(entryOf(content, map, piece))).toEqual(idsOf(content));
          expect(await store(entryOf(content, undefined, piece))).toEqual(idsOf(content));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a large hole costs one blob of zeros, of the length that restic makes holes of', async () => {
    puts.length = 0;
    const size = 4 * CHUNK_BYTES + 100;
    const ids = await store(entryOf(Buffer.alloc(size), [], 65_536));
    expect(ids).toHaveLength(9);
    expect(new Set(ids.slice(0, 8))).toEqual(
      new Set([
        createHash('sha256')
          .update(Buffer.alloc(512 * 1024))
          .digest('hex'),
      ]),
    );
    expect(puts).toEqual([ZERO_BYTES, 100]);
    puts.length = 0;
    expect(await store(entryOf(Buffer.alloc(size), undefined, 65_536))).toEqual(ids);
    expect(puts).toEqual([ZERO_BYTES, 100]);
  });
});
