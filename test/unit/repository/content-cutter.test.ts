/** Where streams are cut; that restic cuts at the same places is seen in `test/interop/equal-ids.test.ts`. */
import { expect, test } from 'vitest';
import { cutContent, cutterTables } from '../../../shared/repository/write/content-cutter.ts';
import { chanceFrom } from '../../support/seeded.ts';

const TABLES = cutterTables(0x3ed95bf0de7983n);
const KIB = 1024;

async function* inChunks(content: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

const cut = (content: Buffer, size = 65_536): Promise<Uint8Array[]> =>
  Array.fromAsync(cutContent(inChunks(content, size), TABLES));

const hex = (pieces: readonly Uint8Array[]): string[] => pieces.map((piece) => Buffer.from(piece).toString('hex'));

test('the pieces are the content, in order, whatever parts it comes in', async () => {
  const content = chanceFrom(1).bytes(5 * KIB * KIB);
  const pieces = await cut(content);
  expect(pieces.length).toBeGreaterThan(2);
  expect(Buffer.concat(pieces).equals(content)).toBe(true);
  expect(hex(await cut(content, 333_333))).toEqual(hex(pieces));
  for (const piece of pieces.slice(0, -1)) expect(piece.length).toBeGreaterThanOrEqual(512 * KIB);
});

test('what moved is cut as before', async () => {
  const content = chanceFrom(2).bytes(6 * KIB * KIB);
  const moved = Buffer.concat([Buffer.from('a row more'), content]);
  const before = new Set(hex(await cut(content)));
  const after = hex(await cut(moved));
  expect(after.filter((piece) => !before.has(piece)).length).toBeLessThanOrEqual(2);
  expect(after.length).toBeGreaterThan(3);
});

test('zeros are cut at the least length, and nothing is longer than the most', async () => {
  expect((await cut(Buffer.alloc(1200 * KIB))).map(({ length }) => length)).toEqual([512 * KIB, 512 * KIB, 176 * KIB]);
  const repeated = Buffer.alloc(9 * KIB * KIB, 'a');
  for (const { length } of await cut(repeated)) expect(length).toBeLessThanOrEqual(8 * KIB * KIB);
});

test('nothing is in nothing, and each piece is in a buffer of its own', async () => {
  expect(await cut(Buffer.alloc(0))).toEqual([]);
  const [piece] = await cut(Buffer.from('short'));
  expect(piece?.buffer.byteLength).toBe(5);
});
