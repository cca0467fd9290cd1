/**
 * Decompressing small frames with a context that is kept. The public call of Node makes a context for each frame, which
 * takes four times as long as the frame of a small blob; one that is kept can only be reached by what lies behind a
 * stream of Node's (record 41). So it is used in versions of Node with which that was tried, for frames that fit into
 * the room they are given, and what it says is believed only where it is proved: whatever does not come to its end in
 * one step is undefined here, and the public call has the last word.
 */
import { constants, createZstdDecompress } from 'node:zlib';
import type { NativeZstd } from '../zstd-native.ts';

/** Major versions of Node in which a stream has the parts below. */
const TRIED: readonly string[] = ['24'];
/** A frame that asks for more memory than this is not for a context that keeps it. */
const MOST_WINDOW_LOG = 20;
/** Room for one byte more tells the end of a frame from a lack of room. */
export const ROOM_TO_SPARE = 1;

interface StreamParts extends NativeZstd {
  readonly destroyed: boolean;
  destroy(): void;
}

export class ZstdContext {
  #parts: StreamParts | undefined;

  /** Whether this Node is one of those. */
  static readonly isTried: boolean = TRIED.includes(process.versions.node.split('.')[0] ?? '');

  /**
   * The content of `frame` at the start of `room`, which takes `length` bytes and one to spare. Undefined where that is
   * not known to be all of it.
   */
  decode(frame: Uint8Array, length: number, room: Buffer): Buffer | undefined {
    if (!ZstdContext.isTried || room.length < length + ROOM_TO_SPARE) return undefined;
    const parts = (this.#parts ??= open());
    if (parts === undefined) return undefined;
    const roomBytes = length + ROOM_TO_SPARE;
    parts._writeState.fill(roomBytes);
    parts._handle.writeSync(constants.ZSTD_e_end, frame, 0, frame.length, room, 0, roomBytes);
    const [roomLeft, frameLeft] = parts._writeState;
    // After an error the context is closed, and writing to it once more would end the process.
    if (!parts.destroyed && roomLeft === ROOM_TO_SPARE && frameLeft === 0) return room.subarray(0, length);
    this.forget();
    return undefined;
  }

  /** What was decoded is not what it should be: the context may stand in the middle of a frame. */
  forget(): void {
    this.#parts?.destroy();
    this.#parts = undefined;
  }
}

function open(): StreamParts | undefined {
  const stream = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MOST_WINDOW_LOG } });
  // A frame that makes no sense is told to the stream as well.
  stream.on('error', () => undefined);
  const parts = stream as unknown as Partial<StreamParts>;
  const isKnown = typeof parts._handle?.writeSync === 'function' && parts._writeState?.length === 2;
  return isKnown ? (parts as StreamParts) : undefined;
}
