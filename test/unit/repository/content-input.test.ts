/** What of a content counts in the budget of a writer: all that is under way, and nothing of it for ever. */
import { expect, test } from 'vitest';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import { MOST_PIECE_BYTES } from '../../../shared/repository/pieces.ts';
import { createBorderFinder } from '../../../shared/repository/workers/border-finder.ts';
import { ContentCutter } from '../../../shared/repository/workers/content-cutter.ts';
import { cutTables } from '../../../shared/repository/workers/cut-tables.ts';
import type { CutBehind, CutContent } from '../../../shared/repository/workers/messages.ts';
import { OpenContent } from '../../../shared/repository/write/content-input.ts';
import { chanceFrom } from '../../support/seeded.ts';
import { testSignal } from '../../support/test-repository.ts';

const MIB = 1024 ** 2;
const signal = testSignal();
const finder = createBorderFinder(cutTables(0x3ed95bf0de7983n));

/** Books of what is taken; a piece that is stored gives its room back at once. */
function booksOf(size: number | undefined) {
  const books = { used: 0, most: 0, lanes: 0, isAnyOpen: false, zeroPieces: 0, work: [] as Promise<void>[] };
  const charge = (bytes: number): void => {
    books.used += bytes;
    books.most = Math.max(books.most, books.used);
  };
  const store = async (piece: Uint8Array): Promise<BlobId> => {
    charge(-piece.length);
    return blobIdOf(piece);
  };
  const openCutLane = () => {
    const cutter = new ContentCutter(finder);
    books.lanes += 1;
    return {
      cut: async (data: readonly Uint8Array[], zeros: number, behind: CutBehind): Promise<CutContent> => {
        books.isAnyOpen = behind !== 'end';
        const cutBehind = { more: () => [], look: () => cutter.look(), end: () => cutter.end() }[behind];
        const cuts = [...cutter.add(data), ...cutter.addZeros(zeros), ...cutBehind()];
        return { cuts, openBytes: cutter.openBytes };
      },
    };
  };
  const ports = {
    openCutLane,
    take: async (bytes: number): Promise<void> => charge(bytes),
    give: (bytes: number) => charge(-bytes),
    store,
    storeZeros: async (count: number): Promise<BlobId> => {
      books.zeroPieces += count;
      return 'zeros' as BlobId;
    },
    run: (work: Promise<void>) => void books.work.push(work),
  };
  return { books, content: new OpenContent(ports, size, {}) };
}

async function fill(content: OpenContent): Promise<void> {
  await content.add(chanceFrom(1).bytes(3 * MIB), signal);
  await content.addZeros(40 * MIB + 5, signal);
  await content.add(Buffer.alloc(9 * MIB, 'a'), signal);
  await content.add(Buffer.alloc(4 * MIB), signal);
  await content.addZeros(100, signal);
  await content.add(chanceFrom(2).bytes(300_000), signal);
}

test.each([undefined, 56 * MIB + 300_105])('what has come to its end counts no more, of size %s', async (size) => {
  const { books, content } = booksOf(size);
  await fill(content);
  const { ids } = await content.end(signal);
  expect((await ids).length).toBeGreaterThan(90);
  await Promise.all(books.work);
  content[Symbol.dispose]();
  expect(books).toMatchObject({ used: 0, isAnyOpen: false, lanes: 1 });
  expect(books.zeroPieces).toBeGreaterThanOrEqual(80);
  // Holes were never charged.
  expect(books.most).toBeLessThan(12 * MIB);
});

test('what breaks off counts no more, and its open piece is let go', async () => {
  const { books, content } = booksOf(undefined);
  await fill(content);
  await content.add(Buffer.alloc(5 * MIB, 'a'), signal);
  await Promise.all(books.work);
  expect(books.isAnyOpen).toBe(true);
  // In the room that it has beside the budget.
  expect(books.used + MOST_PIECE_BYTES).toBeGreaterThan(4 * MIB);
  content[Symbol.dispose]();
  await Promise.all(books.work);
  expect(books).toMatchObject({ used: 0, isAnyOpen: false });
});

test('what is given is moved where it fills its memory, and what is added stays as it is', async () => {
  const { content } = booksOf(undefined);
  const bytes = chanceFrom(3).bytes(3 * MIB);
  const shared = Uint8Array.from(bytes);
  const own = Uint8Array.from(bytes.subarray(MIB, MIB + 70_000));
  const added = Uint8Array.from(bytes.subarray(MIB + 70_000, 2 * MIB));
  await content.give(shared.subarray(0, MIB), signal);
  await content.give(own, signal);
  await content.add(added, signal);
  await content.give(shared.subarray(2 * MIB), signal);
  const { ids } = await content.end(signal);
  const { content: alone } = booksOf(undefined);
  await alone.add(bytes, signal);
  expect(await ids).toEqual(await (await alone.end(signal)).ids);
  expect(Buffer.compare(shared, bytes)).toBe(0);
  expect(Buffer.compare(added, bytes.subarray(MIB + 70_000, 2 * MIB))).toBe(0);
});

test('a hole is zeros between what was gathered', async () => {
  const { content } = booksOf(undefined);
  await content.add(Buffer.from('some'), signal);
  await content.addZeros(300_000, signal);
  await content.add(Buffer.from('more'), signal);
  const { ids } = await content.end(signal);
  expect(await ids).toEqual([
    blobIdOf(Buffer.concat([Buffer.from('some'), Buffer.alloc(300_000), Buffer.from('more')])),
  ]);
});
