import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { storeFile, storeStream } from '../../../shared/pipeline/backup/file-content.ts';
import { tailOf } from '../../../shared/pipeline/resume/begun-file.ts';
import type { FilePart } from '../../../shared/pipeline/resume/file-part.ts';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { LEAST_PIECE_BYTES } from '../../../shared/repository/pieces.ts';
import type { RepositoryLock, RepositoryWriter } from '../../../shared/repository/repository.ts';
import type { TarEntry } from '../../../shared/tar/entry.ts';
import { failingContent } from '../../support/failing-content.ts';
import { referenceLengths } from '../../support/reference-cutter.ts';
import { type Chance, chanceFrom } from '../../support/seeded.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { aHead } from '../../support/tar-streams.ts';
import { createTestRepository, testSignal } from '../../support/test-repository.ts';

const MIB = 1024 ** 2;
const ignore = (): void => undefined;
const signal = testSignal();

let repository: OpenedRepository;
let lock: RepositoryLock;
let writer: RepositoryWriter;

beforeAll(async () => {
  repository = await createTestRepository(createMemoryBackend());
  lock = await repository.lock('shared', signal);
});
afterAll(async () => {
  await lock[Symbol.asyncDispose]();
  await repository.close();
});
beforeEach(async () => {
  writer = await repository.openWriter(lock, { workers: 2 });
});
afterEach(() => writer[Symbol.asyncDispose]());

/** What the blobs of a content must be. */
function idsOf(content: Buffer): BlobId[] {
  let at = 0;
  return referenceLengths(content, repository.parts.config.chunkerPolynomial).map((length) =>
    blobIdOf(content.subarray(at, (at += length))),
  );
}

async function* inPackets(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

type SparseParts = readonly (readonly [number, number])[];

/** The entry as tar brings it: with a map only the listed parts are in the stream. */
function entryOf(content: Buffer, map: SparseParts | undefined, packetSize: number): TarEntry {
  const stored =
    map === undefined ? content : Buffer.concat(map.map(([at, length]) => content.subarray(at, at + length)));
  return {
    ...aHead({ size: content.length, sparse: map && Float64Array.from(map.flat()) }),
    ...{ atime: undefined, sparseEnd: undefined, ctime: undefined, storedSize: stored.length, position: 0 },
    content: inPackets(stored, packetSize),
  };
}

const store = async (entry: TarEntry): Promise<readonly string[]> =>
  await (await storeFile(writer, entry, ignore, signal)).ids;

/** Holes with edges around those of pieces, of what is gathered and of windows. */
function someSparse(chance: Chance): { readonly content: Buffer; readonly map: SparseParts } {
  const edges = Array.from({ length: 2 + chance.below(8) }, () =>
    Math.max(0, chance.below(14) * LEAST_PIECE_BYTES + chance.pick([-4096, -64, -1, 0, 1, 64, 512, 100_000])),
  );
  const borders = [...new Set(edges)].toSorted((a, b) => a - b);
  const content = Buffer.alloc(borders.at(-1) ?? 0);
  const map: [number, number][] = [];
  for (let at = 0; at + 1 < borders.length; at += 2) {
    const [from = 0, to = 0] = [borders[at], borders[at + 1]];
    chance.bytes(to - from).copy(content, from);
    map.push([from, to - from]);
  }
  return { content, map };
}

describe('content becomes the blobs that restic makes of it', () => {
  test.each([0, 1, 511, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB + 5])(
    'of %d bytes, in packets of any size',
    async (size) => {
      const content = chanceFrom(size).bytes(size);
      for (const packet of [65_536, 1_000_003, 3 * MIB])
        expect(await store(entryOf(content, undefined, packet))).toEqual(idsOf(content));
    },
  );

  test.each(Array.from({ length: 20 }, (_, n) => n))('with holes as without: %d', async (seed) => {
    const chance = chanceFrom(seed);
    const { content, map } = someSparse(chance);
    const packet = chance.pick([10_000, 65_536, 2_000_000]);
    const expected = idsOf(content);
    expect(await store(entryOf(content, map, packet)), JSON.stringify(map)).toEqual(expected);
    expect(await store(entryOf(content, undefined, packet)), JSON.stringify(map)).toEqual(expected);
  });

  test('and comes back as it was', async () => {
    const { content, map } = someSparse(chanceFrom(1000));
    const ids = await (await storeFile(writer, entryOf(content, map, 65_536), ignore, signal)).ids;
    await writer.flush(signal);
    const blobs: Buffer[] = [];
    for (const id of ids) blobs.push(await repository.loadBlob('data', id, signal));
    expect(Buffer.concat(blobs).equals(content)).toBe(true);
  });

  test('as a stream, too', async () => {
    const content = Buffer.concat([chanceFrom(1).bytes(3 * MIB + 17), Buffer.alloc(2 * MIB), chanceFrom(2).bytes(MIB)]);
    const told: number[] = [];
    const stored = await storeStream(writer, inPackets(content, 65_536), (bytes) => told.push(bytes), signal);
    expect(await stored.ids).toEqual(idsOf(content));
    expect(stored.bytes).toBe(content.length);
    expect(told.reduce((sum, bytes) => sum + bytes)).toBe(content.length);
  });

  test('of many files one after the other, of which nobody waits for one before the next', async () => {
    const contents = Array.from({ length: 30 }, (_, n) => chanceFrom(n).bytes(n * 150_000));
    const all = [];
    for (const content of contents)
      all.push(await storeFile(writer, entryOf(content, undefined, 65_536), ignore, signal));
    for (const [n, { ids }] of all.entries()) expect(await ids).toEqual(idsOf(contents[n] as Buffer));
  });
});

test('a hole of 100 GiB costs one blob, and is told by its length', async () => {
  const size = 100 * 1024 ** 3 + 100;
  let told = 0;
  const { ids, bytes } = await storeFile(
    writer,
    { ...entryOf(Buffer.alloc(0), [], 65_536), size },
    (length) => {
      told += length;
    },
    signal,
  );
  const all = await ids;
  const { dataBlobsNew, bytesPut } = await writer.flush(signal);
  expect(all).toHaveLength(200 * 1024 + 1);
  expect(new Set(all)).toEqual(new Set([blobIdOf(Buffer.alloc(LEAST_PIECE_BYTES)), blobIdOf(Buffer.alloc(100))]));
  expect({ told, bytes, bytesPut }).toEqual({ told: size, bytes: 0, bytesPut: size });
  expect(dataBlobsNew).toBeLessThanOrEqual(2);
});

test('of a large file is told part by part what is stored of it, up to ends of pieces', async () => {
  const parts: Promise<FilePart>[] = [];
  const content = chanceFrom(3).bytes(30 * MIB);
  const { ids } = await storeFile(writer, entryOf(content, undefined, 65_537), ignore, signal, (part) =>
    parts.push(part),
  );
  const all = await ids;
  expect(all).toEqual(idsOf(content));
  const told = await Promise.all(parts);
  expect(told.length).toBeGreaterThan(2);
  expect(told.flatMap((part) => part.ids)).toEqual(all.slice(0, told.flatMap((part) => part.ids).length));
  // To the end of the file there is nothing to go on with.
  expect(told.at(-1)?.endsAt).toBeLessThan(content.length);
  let before = 0;
  for (const { endsAt } of told) {
    expect(endsAt - before).toBeGreaterThanOrEqual(4 * MIB);
    // Whoever goes on from there has the same pieces.
    const rest = await store(entryOf(content.subarray(endsAt), undefined, 65_536));
    expect(all.slice(-rest.length)).toEqual(rest);
    before = endsAt;
  }
});

test('and of one with holes, whose rest is cut from there on as it would have been', async () => {
  const chance = chanceFrom(7);
  const map = Array.from(
    { length: 8 },
    (_, n) => [n * 5 * MIB + chance.below(MIB), 3 * MIB + chance.below(MIB)] as const,
  );
  const content = Buffer.alloc(45 * MIB + 5);
  for (const [at, length] of map) chance.bytes(length).copy(content, at);
  const parts: Promise<FilePart>[] = [];
  const entry = entryOf(content, map, 65_536);
  const all = await (await storeFile(writer, entry, ignore, signal, (part) => parts.push(part))).ids;
  expect(all).toEqual(idsOf(content));
  expect(parts.length).toBeGreaterThan(5);
  for (const { endsAt } of await Promise.all(parts)) {
    const tail = tailOf(content.length, entry.sparse, endsAt);
    const stored = Buffer.concat(
      tail.parts.wanted.map(({ offset, length }) => content.subarray(offset, offset + length)),
    );
    const rest = {
      ...entryOf(Buffer.alloc(0), [], 1),
      ...tail,
      storedSize: stored.length,
      content: inPackets(stored, 65_536),
    };
    const ids = await store(rest);
    expect(ids.length).toBeGreaterThan(0);
    expect(all.slice(-ids.length)).toEqual(ids);
  }
});

test('a failure is one of the file alone, and not of whoever is told of its parts', async () => {
  const full = new Error('the disk is full');
  const failing: RepositoryWriter = { ...writer, openContent: (_, options) => failingContent(full, options?.onPieces) };
  const parts: Promise<FilePart>[] = [];
  const entry = entryOf(chanceFrom(4).bytes(9 * MIB), undefined, MIB);
  const { ids } = await storeFile(failing, entry, ignore, signal, (part) => parts.push(part));
  await expect(ids).rejects.toBe(full);
  expect(parts.length).toBeGreaterThan(0);
});

test('content that breaks off leaves the writer as it was, however often', async () => {
  const lost = new Error('the connection is lost');
  async function* cut(): AsyncGenerator<Buffer> {
    yield chanceFrom(5).bytes(7 * MIB);
    throw lost;
  }
  // More than it may hold at once.
  for (let time = 0; time < 15; time += 1) {
    const entry = { ...entryOf(Buffer.alloc(0), undefined, 1), size: 20 * MIB, storedSize: 20 * MIB, content: cut() };
    await expect(storeFile(writer, entry, ignore, signal)).rejects.toBe(lost);
  }
  const content = chanceFrom(6).bytes(3 * MIB);
  expect(await store(entryOf(content, undefined, 65_536))).toEqual(idsOf(content));
  await writer.flush(signal);
});

test('many large files at once do not wait for each other', async () => {
  // Without a border all of it stays open up to the most that a piece may have.
  const one = async (byte: number): Promise<readonly string[]> =>
    await store(entryOf(Buffer.alloc(17 * MIB, byte), undefined, MIB));
  const all = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(one));
  expect(all.map((ids) => ids.length)).toEqual([3, 3, 3, 3, 3, 3, 3, 3]);
});
