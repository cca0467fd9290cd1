/** Entries with their content as a stream of tar bytes. */
import { displayName } from '../base/bytes.ts';
import { StillpointError } from '../base/errors.ts';
import type { TarHead } from './entry.ts';
import { wholeBlocks, withZeros } from './whole-blocks.ts';
import { encodeTarHead, storedSizeOf, TAR_END, tarPadding } from './writer.ts';

export interface TarItem {
  readonly head: TarHead;
  /**
   * The stored bytes, exactly as many as the head promises; undefined stands for none. A piece is its maker's again
   * when the next one is asked for.
   */
  readonly content: AsyncIterable<Uint8Array> | undefined;
}

/** Small pieces are gathered to about this size, so that a hundred thousand small files are not as many writes. */
const GATHER_BYTES = 128 * 1024;

/**
 * Content that is longer or shorter than its head says is an error: no reader could tell from the stream. The memory of
 * what is given out is used again when the next is asked for, so the caller has to be done with it by then.
 */
export async function* writeTar(
  items: AsyncIterable<TarItem>,
  encode: (head: TarHead) => Buffer = encodeTarHead,
): AsyncGenerator<Buffer, void, void> {
  const gathered = new Gathered();
  for await (const item of items) {
    const { head, content } = inWholeBlocks(item);
    const promised = storedSizeOf(head);
    let written = 0;
    gathered.add(encode(head));
    for await (const piece of content ?? []) {
      written += piece.length;
      if (written > promised) throw wrongLength(head, promised, written);
      if (piece.length < GATHER_BYTES) {
        gathered.add(piece);
        if (gathered.size >= GATHER_BYTES) yield gathered.take();
      } else {
        // Large pieces go as they are; copying them would cost more than one write more.
        if (gathered.size > 0) yield gathered.take();
        yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      }
    }
    if (written !== promised) throw wrongLength(head, promised, written);
    gathered.add(tarPadding(promised));
    if (gathered.size >= GATHER_BYTES) yield gathered.take();
  }
  gathered.add(TAR_END);
  yield gathered.take();
}

function inWholeBlocks({ head, content }: TarItem): TarItem {
  if (head.sparse === undefined) return { head, content };
  const { map, zeros } = wholeBlocks(head.sparse, head.size);
  return { head: { ...head, sparse: map }, content: content && withZeros(content, zeros) };
}

/** Holds copies, since small pieces are their makers' again before they are given out. */
class Gathered {
  #buffer = Buffer.allocUnsafeSlow(2 * GATHER_BYTES);
  size = 0;

  add(piece: Uint8Array): void {
    const size = this.size + piece.length;
    if (size > this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], 2 * size);
    this.#buffer.set(piece, this.size);
    this.size = size;
  }

  /** The memory is used again for what is added after this. */
  take(): Buffer {
    const all = this.#buffer.subarray(0, this.size);
    this.size = 0;
    return all;
  }
}

function wrongLength(head: TarHead, promised: number, written: number): StillpointError {
  const name = displayName(head.name);
  return new StillpointError(
    'internal.invariant',
    `The content of "${name}" has ${written} bytes or more, but ${promised} were promised.`,
    { advice: 'This is a fault in Stillpoint. Report it with the log of the job.', cause: undefined },
  );
}
