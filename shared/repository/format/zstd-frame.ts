/** What the first frame of zstd content says of itself. Source: RFC 8878, 3.1.1. */

const MAGIC = 0xfd2fb528;
const IS_SINGLE_SEGMENT = 0x20;
/** By the two lowest bits of the descriptor. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
/** By its two highest bits; a frame of one segment has at least one byte. */
const SIZE_BYTES = [0, 2, 4, 8] as const;

/** How large the frame says that its content is; undefined where it does not say, or is not a frame. */
export function claimedSize(frame: Buffer): number | undefined {
  const descriptor = frame.length < 5 || frame.readUInt32LE(0) !== MAGIC ? undefined : frame[4];
  if (descriptor === undefined) return undefined;
  const isSingle = (descriptor & IS_SINGLE_SEGMENT) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  const bytes = SIZE_BYTES[descriptor >> 6] || (isSingle ? 1 : 0);
  if (bytes === 0 || at + bytes > frame.length) return undefined;
  if (bytes === 8) return Number(frame.readBigUInt64LE(at));
  return frame.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}
