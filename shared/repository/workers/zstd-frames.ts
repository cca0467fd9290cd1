/**
 * zstd frames, one for each blob, with one compressor for all of them: to make a compressor takes as long as to compress a small
 * file, and Node's own synchronous call makes one each time. So the native half of Node's stream is called as Node calls it, which
 * is no documented interface. It is tried out first, and where it is not what it was, Node's call does the work: slower, to the
 * same bytes.
 *
 * `ZSTD_compressStream2` of zstd's manual: all of the input with `ZSTD_e_end` and room for the worst case make a whole frame
 * that says how long its content is, and the next call begins a new one.
 */
import { constants, createZstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { invariant } from '../../base/errors.ts';
import type { NativeZstd } from '../zstd-native.ts';

export interface FrameWriter {
  /** Whether frames are made by one compressor. */
  readonly isDirect: boolean;
  /** Writes a frame to `at` of `target`, where there is room for `mostBytesOf` it, and gives its length. */
  write(content: Uint8Array, target: Buffer, at: number): number;
}

/** `ZSTD_COMPRESSBOUND` of zstd.h, and some bytes more. */
export function mostBytesOf(bytes: number): number {
  return bytes + (bytes >> 8) + (Math.max(0, 128 * 1024 - bytes) >> 11) + 64;
}

/** @param level of zstd */
export function createFrameWriter(level: number): FrameWriter {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_contentSizeFlag]: 1 };
  try {
    const writer = { isDirect: true, write: directWrite(params) };
    if (isProved(writer)) return writer;
  } catch {
    // Another Node: as below.
  }
  return {
    isDirect: false,
    write(content, target, at) {
      const frame = zstdCompressSync(content, { params, chunkSize: mostBytesOf(content.length) });
      target.set(frame, at);
      return frame.length;
    },
  };
}

function directWrite(params: Readonly<Record<number, number>>): FrameWriter['write'] {
  const { _handle: handle, _writeState: left } = createZstdCompress({ params }) as unknown as NativeZstd;
  return (content, target, at) => {
    const room = target.length - at;
    handle.writeSync(constants.ZSTD_e_end, content, 0, content.length, target, at, room);
    const [roomLeft = 0, inputLeft = 0] = left;
    invariant(inputLeft === 0 && roomLeft > 0, 'a frame is written in one call');
    return room - roomLeft;
  };
}

/** Two frames in turn, because the second one is what the first must leave nothing in. */
function isProved({ write }: Pick<FrameWriter, 'write'>): boolean {
  return [SAMPLE, SAMPLE.subarray(1000)].every((content) => {
    const target = Buffer.alloc(mostBytesOf(content.length));
    const length = write(content, target, 0);
    return length < content.length && zstdDecompressSync(target.subarray(0, length)).equals(content);
  });
}

const SAMPLE = Buffer.from(Array.from({ length: 400 }, (_, index) => `line ${index * index}\n`).join(''));
