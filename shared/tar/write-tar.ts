/** Entries with their content as a stream of tar bytes. */
import { displayName } from '../base/bytes.ts';
import { StillpointError } from '../base/errors.ts';
import type { TarHead } from './entry.ts';
import { encodeTarHead, storedSizeOf, TAR_END, tarPadding } from './writer.ts';

export interface TarItem {
  readonly head: TarHead;
  /** The stored bytes, exactly as many as the head promises; undefined stands for none. */
  readonly content: AsyncIterable<Uint8Array> | undefined;
}

/** Small pieces are gathered to about this size, so that a hundred thousand small files are not as many writes. */
const GATHER_BYTES = 128 * 1024;

/** Content that is longer or shorter than its head says is an error: no reader could tell from the stream. */
export async function* writeTar(items: AsyncIterable<TarItem>): AsyncGenerator<Buffer, void, void> {
  const gathered = new Gathered();
  for await (const { head, content } of items) {
    const promised = storedSizeOf(head);
    let written = 0;
    gathered.add(encodeTarHead(head));
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

class Gathered {
  #pieces: Uint8Array[] = [];
  size = 0;

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.size += piece.length;
  }

  take(): Buffer {
    const all = Buffer.concat(this.#pieces, this.size);
    this.#pieces = [];
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
