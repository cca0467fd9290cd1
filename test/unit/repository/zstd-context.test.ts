/** A context of zstd that is kept, and the way back to the public call where it does not know. */
import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createSealer } from '../../../shared/repository/crypto/aes-poly1305.ts';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import { openBlob } from '../../../shared/repository/read/open-blob.ts';
import { ROOM_TO_SPARE, ZstdContext } from '../../../shared/repository/read/zstd-context.ts';
import { chanceFrom } from '../../support/seeded.ts';

const sealer = await createSealer({ encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) });

function textOf(bytes: number): Buffer {
  return Buffer.from('a line of text, and one more\n'.repeat(Math.ceil(bytes / 29)).slice(0, bytes));
}

function decode(context: ZstdContext, frame: Uint8Array, length: number): Buffer | undefined {
  return context.decode(frame, length, Buffer.alloc(length + ROOM_TO_SPARE));
}

test('the Node that runs the tests is one with which it was tried', () => {
  expect(ZstdContext.isTried).toBe(true);
});

test('one context gives the content of a thousand frames', () => {
  const context = new ZstdContext();
  const chance = chanceFrom(7);
  for (let round = 0; round < 1000; round += 1) {
    const bytes = chance.below(20_000);
    const content = round % 3 === 0 ? randomBytes(bytes) : textOf(bytes);
    const params = {
      [constants.ZSTD_c_checksumFlag]: round % 2,
      [constants.ZSTD_c_contentSizeFlag]: round % 5 === 0 ? 0 : 1,
    };
    expect(decode(context, zstdCompressSync(content, { params }), bytes)?.equals(content)).toBe(true);
  }
});

const content = textOf(5000);
const good = zstdCompressSync(content);
const broken = Buffer.from(good).fill(0xff, 8);
/** Byte 5 says how large the window is, where the frame does not say how long its content is. */
function wideFrame(): Buffer {
  const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
  frame[5] = (27 - 10) << 3;
  return frame;
}

const bad: Readonly<Record<string, { readonly frame: Buffer; readonly length: number }>> = {
  'a broken frame': { frame: broken, length: 5000 },
  'no frame at all': { frame: Buffer.from('not a frame, and long enough to be read'), length: 5000 },
  nothing: { frame: Buffer.alloc(0), length: 5000 },
  'half of a frame': { frame: good.subarray(0, good.length >> 1), length: 5000 },
  'a frame that is longer than was said': { frame: good, length: 4999 },
  'a frame that is much longer than was said': { frame: zstdCompressSync(textOf(3_000_000)), length: 10 },
  'a frame that is shorter than was said': { frame: good, length: 5001 },
  'two frames': { frame: Buffer.concat([good, good]), length: 5000 },
  'a frame that wants a window of 128 MiB': { frame: wideFrame(), length: 5000 },
};

test.each(Object.keys(bad))('%s is not known, and does not spoil what comes after it', (name) => {
  const context = new ZstdContext();
  for (let round = 0; round < 3; round += 1) {
    expect(decode(context, bad[name]?.frame ?? content, bad[name]?.length ?? 0)).toBeUndefined();
    expect(decode(context, good, 5000)?.equals(content)).toBe(true);
  }
});

test('too little room is not written to', () => {
  const room = Buffer.alloc(5000);
  expect(new ZstdContext().decode(good, 5000, room)).toBeUndefined();
  expect(room.equals(Buffer.alloc(5000))).toBe(true);
});

test('the end of a frame that never comes does not spoil the next blob', () => {
  const context = new ZstdContext();
  const withSum = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const room = (): Buffer => Buffer.alloc(6000 + ROOM_TO_SPARE);
  const open = (frame: Buffer, id: BlobId, length: number) =>
    openBlob(sealer, { id, uncompressedLength: length }, sealer.seal(frame), { context, room: room() });
  for (let bytes = 1; bytes < 40; bytes += 1) {
    // All of the content is there, and the sum behind it is not: a context that waits would take what follows for it.
    expect(open(withSum.subarray(0, -4), blobIdOf(content), 5000)).toEqual({ fault: 'it cannot be decompressed' });
    const next = textOf(bytes * 100);
    expect(open(zstdCompressSync(next), blobIdOf(next), next.length).data?.equals(next)).toBe(true);
  }
});

test.each([
  ['it cannot be decompressed', broken, 5000, blobIdOf(content)],
  ['its content does not match its id', good, 5000, blobIdOf(textOf(4999))],
])('a blob of which %s is told so, whatever way it was tried', (fault, frame, length, id) => {
  const context = new ZstdContext();
  const room = Buffer.alloc(length + ROOM_TO_SPARE);
  const blob = { id, uncompressedLength: length };
  expect(openBlob(sealer, blob, sealer.seal(frame))).toEqual({ fault });
  expect(openBlob(sealer, blob, sealer.seal(frame), { context, room })).toEqual({ fault });
});

test('a small blob lies in the room that it was given, compressed or not', () => {
  const context = new ZstdContext();
  for (const [stored, uncompressedLength] of [
    [good, 5000],
    [content, 0],
  ] as const) {
    const room = Buffer.alloc(5000 + ROOM_TO_SPARE);
    const { data } = openBlob(sealer, { id: blobIdOf(content), uncompressedLength }, sealer.seal(stored), {
      context,
      room,
    });
    expect(data?.equals(content)).toBe(true);
    expect(data?.buffer).toBe(room.buffer);
  }
});
