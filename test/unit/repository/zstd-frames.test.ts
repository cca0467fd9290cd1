/** Frames by one compressor are the frames of Node's own call, to the byte. */
import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameWriter, mostBytesOf } from '../../../shared/repository/workers/zstd-frames.ts';

const usual = (content: Uint8Array, level: number): Buffer =>
  zstdCompressSync(content, {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_contentSizeFlag]: 1 },
    chunkSize: mostBytesOf(content.length),
  });

const textOf = (bytes: number): Buffer =>
  Buffer.from('a line that comes again and again, and its number\n'.repeat(Math.ceil(bytes / 50))).subarray(0, bytes);

describe.each([1, 12])('at level %i', (level) => {
  const writer = createFrameWriter(level);
  const written = (content: Uint8Array, at = 0): Buffer => {
    const target = Buffer.alloc(at + mostBytesOf(content.length), 7);
    const length = writer.write(content, target, at);
    expect(target.subarray(0, at).every((byte) => byte === 7)).toBe(true);
    return target.subarray(at, at + length);
  };

  it('frames come from one compressor on this Node', () => {
    expect(writer.isDirect).toBe(true);
  });

  it.each([1, 100, 6000, 131_072, 131_073, 1_500_000, 9_000_000])('a frame of %i bytes is as usual', (bytes) => {
    for (const content of [textOf(bytes), randomBytes(bytes), Buffer.alloc(bytes)]) {
      const frame = written(content, 11);
      expect(frame.equals(usual(content, level))).toBe(true);
      expect(zstdDecompressSync(frame).equals(content)).toBe(true);
    }
  });

  it('what came before leaves nothing in a frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { maxLength: 20 }), (contents) => {
        for (const content of contents) expect(written(content).equals(usual(content, level))).toBe(true);
      }),
    );
  });
});
