/** Opening the blobs of a stretch: what shares memory, and what broken ones do to the rest. */
import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createSealer } from '../../../shared/repository/crypto/aes-poly1305.ts';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import { Shelf } from '../../../shared/repository/read/shelf.ts';
import type { Stretch } from '../../../shared/repository/workers/reader-messages.ts';
import { StretchReader } from '../../../shared/repository/workers/stretch-reader.ts';

const sealer = await createSealer({ encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) });

interface Piece {
  readonly envelope: Buffer;
  readonly id: BlobId;
  /** 0 for what is not compressed. */
  readonly uncompressedLength: number;
}

function pieceOf(plain: Buffer, isCompressed: boolean): Piece {
  const stored = isCompressed ? zstdCompressSync(plain) : plain;
  return { envelope: sealer.seal(stored), id: blobIdOf(plain), uncompressedLength: isCompressed ? plain.length : 0 };
}

function stretchOf(pieces: readonly Piece[]): Stretch {
  let at = 0;
  const places = pieces.flatMap(({ envelope, uncompressedLength }) => {
    at += envelope.length;
    return [at - envelope.length, envelope.length, uncompressedLength];
  });
  return {
    data: Buffer.concat(pieces.map(({ envelope }) => envelope)),
    ids: pieces.map(({ id }) => id),
    places: Uint32Array.from(places),
  };
}

const plains = Array.from({ length: 500 }, (_, index) => Buffer.from(`content ${index} `.repeat(index + 1)));
const large = Buffer.alloc(300_000, 'large');

test('all come in their order, small ones in memory that they share, large ones in their own', () => {
  const reader = new StretchReader(sealer);
  const pieces = [...plains.map((plain, index) => pieceOf(plain, index % 2 === 0)), pieceOf(large, true)];
  const opened = reader.open(stretchOf(pieces));
  expect(opened.map((blob) => Buffer.from(blob))).toEqual([...plains, large]);
  const memory = new Set(opened.slice(1, -1).map((blob) => (blob as Uint8Array).buffer));
  expect(memory.size).toBe(1);
  expect(memory.has((opened.at(-1) as Uint8Array).buffer)).toBe(false);
});

test('what is broken is told at its place, and the rest is whole', () => {
  const reader = new StretchReader(sealer);
  const pieces = plains.map((plain, index) => {
    const piece = pieceOf(plain, index % 2 === 0);
    if (index % 10 === 4) return { ...piece, envelope: sealer.seal(randomBytes(100)), uncompressedLength: 9000 };
    if (index % 10 === 8) return { ...piece, id: blobIdOf(Buffer.from('another')) };
    return piece;
  });
  const opened = reader.open(stretchOf(pieces));
  const { faults } = reader.prove({ lane: 0, isFirst: true, isLast: true, ...stretchOf(pieces) });
  for (const [index, plain] of plains.entries()) {
    const fault = { 4: 'it cannot be decompressed', 8: 'its content does not match its id' }[index % 10];
    expect(typeof opened[index] === 'string' ? opened[index] : Buffer.from(opened[index] ?? '')).toEqual(
      fault ?? plain,
    );
    expect(faults.find((each) => each.index === index)?.fault).toBe(fault);
  }
});

test('a shelf takes no more memory than is put on it, whatever is expected', () => {
  const shelf = new Shelf(2 ** 40);
  const boards = new Set<ArrayBufferLike>();
  const put = (bytes: number): void => {
    boards.add(shelf.room(bytes).buffer);
    shelf.take(bytes);
  };
  for (let round = 0; round < 2000; round += 1) boards.add(shelf.room(256 * 1024).buffer);
  expect(boards.size).toBe(1);
  for (let round = 0; round < 40; round += 1) put(256 * 1024);
  put(9 * 1024 ** 2);
  const bytes = [...boards].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(bytes).toBeLessThan(24 * 1024 ** 2);
});

test('pieces on a shelf do not overlap', () => {
  const shelf = new Shelf(100);
  const rooms = [10, 60, 25, 300, 7].map((bytes, index) => {
    const room = shelf.room(bytes + 1).fill(index);
    shelf.take(bytes);
    return room.subarray(0, bytes);
  });
  expect(rooms.map((room) => [room.length, new Set(room)])).toEqual(
    [10, 60, 25, 300, 7].map((bytes, index) => [bytes, new Set([index])]),
  );
});
