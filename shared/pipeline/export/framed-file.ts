/**
 * A file under zstd in frames of 4 MiB of content, each with its own checksum and size, one after the other: `zstd -d`
 * and `tar --zstd` read them as one, and any of them can be read by itself. Memory is bounded by a few frames.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { StillpointError } from '../../base/errors.ts';
import type { EntryOut } from './entry-sink.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const FRAME_BYTES = 4 * 1024 * 1024;
/** So many are compressed at a time. */
const AT_ONCE = 3;
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };

/** Where each frame ends in the file. */
export type FrameEnds = readonly number[];

export class FramedFile implements EntryOut, AsyncDisposable {
  readonly #file: FileHandle;
  readonly #explain: (error: unknown) => unknown;
  #filling = Buffer.allocUnsafeSlow(FRAME_BYTES);
  #filled = 0;
  #ends: number[] = [];
  #size = 0;
  #pending: Promise<void>[] = [];
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, explain: (error: unknown) => unknown) {
    this.#file = file;
    this.#explain = explain;
  }

  /** @param explain what an error of the file system means */
  static async create(path: string, explain: (error: unknown) => unknown): Promise<FramedFile> {
    try {
      return new FramedFile(await open(path, 'wx', 0o600), explain);
    } catch (error) {
      throw explain(error);
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const taken = Math.min(rest.length, FRAME_BYTES - this.#filled);
      this.#filling.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#filled === FRAME_BYTES) await this.#close();
    }
  }

  /** All of it is on the disk when it resolves. */
  async end(): Promise<FrameEnds> {
    if (this.#filled > 0) await this.#close();
    await Promise.all(this.#pending);
    try {
      await this.#file.sync();
    } catch (error) {
      throw this.#explain(error);
    }
    return this.#ends;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#pending);
    await this.#file.close();
  }

  async #close(): Promise<void> {
    const content = this.#filling.subarray(0, this.#filled);
    this.#filling = Buffer.allocUnsafeSlow(FRAME_BYTES);
    this.#filled = 0;
    const compressed = compress(content, { params: PARAMS });
    // Whoever writes next, or ends, hears of a failure.
    compressed.catch(() => undefined);
    this.#writing = this.#writing.then(async () => this.#append(await compressed));
    this.#writing.catch(() => undefined);
    this.#pending.push(this.#writing);
    if (this.#pending.length >= AT_ONCE) await this.#pending.shift();
  }

  async #append(frame: Buffer): Promise<void> {
    try {
      await this.#file.writeFile(frame);
    } catch (error) {
      throw this.#explain(error);
    }
    this.#size += frame.length;
    this.#ends.push(this.#size);
  }
}

/**
 * The content of such a file, read from the disk frame by frame.
 * @param onBytes given all that the file holds, in order
 */
export async function* readFrames(
  path: string,
  ends: FrameEnds,
  onBytes: (bytes: Buffer) => void,
): AsyncGenerator<Buffer, void, void> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  if (size !== (ends.at(-1) ?? 0)) throw unproved(path, `it has ${size} bytes instead of ${ends.at(-1) ?? 0}`);
  let start = 0;
  for (const end of ends) {
    const frame = Buffer.allocUnsafeSlow(end - start);
    const { bytesRead } = await file.read(frame, 0, frame.length, start);
    if (bytesRead < frame.length) throw unproved(path, 'it ends early');
    onBytes(frame);
    yield await decompress(frame, { maxOutputLength: FRAME_BYTES }).catch((error: unknown) => {
      throw unproved(path, `what lies behind byte ${start} cannot be decompressed`, error);
    });
    start = end;
  }
}

export function unproved(path: string, why: string, cause?: unknown): StillpointError {
  return new StillpointError('export.unproved', `What was written to "${path}" is not what was read: ${why}.`, {
    advice: 'It does not count. See whether the disk is sound, and export again.',
    details: { path },
    cause,
  });
}
