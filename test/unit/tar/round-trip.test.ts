import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TarHead } from '../../../shared/tar/entry.ts';
import { readTar } from '../../../shared/tar/reader.ts';
import { expandSparse } from '../../../shared/tar/sparse.ts';
import { wholeBlocks, withZeros } from '../../../shared/tar/whole-blocks.ts';
import { type TarItem, writeTar } from '../../../shared/tar/write-tar.ts';
import { aHead, entriesOf, inChunks, patternOf, tarOf, type WholeEntry } from '../../support/tar-streams.ts';

const nameByte = fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f);
const namePart = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 1 : byte)));
const path = fc
  .array(namePart, { minLength: 1, maxLength: 8 })
  .map((parts) => Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from('/'), part]))));
const linkName = fc.array(nameByte, { minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const time = fc.record({
  seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  nanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
});
const xattrs = fc.array(
  fc.record({
    name: fc.array(nameByte, { minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from([0x75, 0x2e, ...bytes])),
    value: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 5 },
);
const sparse = fc
  .array(fc.record({ hole: fc.integer({ min: 1, max: 2 ** 40 }), data: fc.integer({ min: 1, max: 3000 }) }), {
    maxLength: 40,
  })
  .map((runs) => {
    let offset = 0;
    const numbers = runs.flatMap(({ hole, data }) => {
      const start = offset + hole;
      offset = start + data;
      return [start, data];
    });
    return { map: Float64Array.from(numbers), end: offset };
  });

const common = {
  name: path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 2 ** 32 - 2 })),
  gid: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 2 ** 32 - 2 })),
  mtime: time,
  xattrs,
};

const head: fc.Arbitrary<TarHead> = fc.oneof(
  fc.record({ ...common, size: fc.integer({ min: 0, max: 5000 }) }).map((facts) => aHead(facts)),
  fc
    .record({ ...common, sparse, tail: fc.integer({ min: 0, max: 2 ** 41 }) })
    .map(({ sparse: { map, end }, tail, ...facts }) => aHead({ ...facts, sparse: map, size: end + tail })),
  fc.record({ ...common, type: fc.constantFrom('dir' as const, 'fifo' as const) }).map((facts) => aHead(facts)),
  fc
    .record({ ...common, type: fc.constantFrom('hardlink' as const, 'symlink' as const), linkName })
    .map((facts) => aHead(facts)),
  fc
    .record({
      ...common,
      type: fc.constantFrom('chardev' as const, 'blockdev' as const),
      devMajor: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      devMinor: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    })
    .map((facts) => aHead(facts)),
);

/** As it is written: parts of a sparse file are whole blocks. */
async function inWholeBlocks({ head: before, stored }: WholeEntry): Promise<WholeEntry> {
  if (before.sparse === undefined) return { head: before, stored };
  const { map, zeros } = wholeBlocks(before.sparse, before.size);
  const pieces = await Array.fromAsync(withZeros(inChunks(stored, 7), zeros));
  return { head: { ...before, sparse: map }, stored: Buffer.concat(pieces) };
}

test('what the writer writes, the reader reads, however the stream is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(head, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), async (heads, chunkSize) => {
      const entries = heads.map((head, index) => ({ head, stored: patternOf(head, index) }));
      const archive = await tarOf(entries);
      expect(archive.length % 512).toBe(0);
      const expected = await Promise.all(entries.map(inWholeBlocks));
      expect(await entriesOf(archive, { chunkSize })).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

test('the expanded content of a sparse file covers it exactly, with every byte in its place', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ hole: fc.integer({ min: 0, max: 900 }), data: fc.integer({ min: 1, max: 900 }) }), {
        maxLength: 20,
      }),
      fc.integer({ min: 0, max: 900 }),
      async (runs, tail) => {
        const parts: Buffer[] = [];
        const numbers: number[] = [];
        let size = 0;
        for (const { hole, data } of runs) {
          parts.push(Buffer.alloc(hole), Buffer.alloc(data, (size % 255) + 1));
          numbers.push(size + hole, data);
          size += hole + data;
        }
        const whole = Buffer.concat([...parts, Buffer.alloc(tail)]);
        const map = Float64Array.from(numbers);
        const stored = Buffer.concat(parts.filter((_, index) => index % 2 === 1));
        const archive = await tarOf([{ head: aHead({ sparse: map, size: whole.length }), stored }]);
        const rebuilt = Buffer.alloc(whole.length, 0xee);
        let expectedOffset = 0;
        for await (const entry of readTar(inChunks(archive, 700))) {
          for await (const event of expandSparse(entry)) {
            expect(event.offset).toBe(expectedOffset);
            const length = event.kind === 'hole' ? event.length : event.data.length;
            if (event.kind === 'hole') rebuilt.fill(0, event.offset, event.offset + length);
            else event.data.copy(rebuilt, event.offset);
            expectedOffset += length;
          }
        }
        expect(expectedOffset).toBe(whole.length);
        expect(rebuilt.equals(whole)).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

test('content that is not read is skipped, also when it is read in part', async () => {
  const heads = [1, 600, 1024, 5000].map((size) => aHead({ name: Buffer.from(`f${size}`), size }));
  const archive = await tarOf(heads.map((head) => ({ head, stored: patternOf(head) })));
  const names: string[] = [];
  for await (const entry of readTar(inChunks(archive, 100))) {
    names.push(entry.name.toString());
    for await (const _piece of entry.content) break;
  }
  expect(names).toEqual(['f1', 'f600', 'f1024', 'f5000']);
});

test('names and values may be kept: they do not change when the chunk is used again', async () => {
  const entry = {
    head: aHead({ xattrs: [{ name: Buffer.from('user.a'), value: Buffer.from([0, 1]) }] }),
    stored: Buffer.alloc(0),
  };
  const archive = await tarOf([entry]);
  const kept: Buffer[] = [];
  const chunk = Buffer.from(archive);
  for await (const { name, xattrs } of readTar(inChunks(chunk, chunk.length))) {
    kept.push(name, xattrs[0]?.value ?? Buffer.alloc(0));
    chunk.fill(0);
  }
  expect(kept).toEqual([Buffer.from('file'), Buffer.from([0, 1])]);
});

test('a maker of content may use its memory again for the next piece', async () => {
  const piece = Buffer.alloc(200_000);
  async function* content(): AsyncGenerator<Buffer> {
    for (const length of [10, 1000, 200_000, 10]) yield piece.fill(length % 251).subarray(0, length);
    piece.fill(0);
  }
  async function* items(): AsyncGenerator<TarItem> {
    yield { head: aHead({ name: Buffer.from('a'), size: 201_020 }), content: content() };
    yield { head: aHead({ name: Buffer.from('b'), size: 201_020 }), content: content() };
  }
  const entries = await entriesOf(writeTar(items()));
  const expected = Buffer.concat([10, 1000, 200_000, 10].map((length) => Buffer.alloc(length, length % 251)));
  expect(entries.map(({ stored }) => stored.equals(expected))).toEqual([true, true]);
});

test.each([
  ['shorter', 9],
  ['longer', 11],
])('the writer refuses content that is %s than its head says', async (_what, length) => {
  const items = [{ head: aHead({ size: 10 }), content: inChunks(Buffer.alloc(length), 5) }];
  const write = Array.fromAsync(
    writeTar(
      (async function* () {
        yield* items;
      })(),
    ),
  );
  await expect(write).rejects.toMatchObject({ code: 'internal.invariant' });
});

test('the writer refuses a name that no file system can hold', async () => {
  const entry = { head: aHead({ name: Buffer.from('a\0b') }), stored: Buffer.alloc(0) };
  await expect(tarOf([entry])).rejects.toMatchObject({ code: 'internal.invariant' });
});
