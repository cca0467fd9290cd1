/**
 * Reads the self-describing blocks that the living writer leaves in its files and says which are torn: the proof that
 * a copy of a file under change is of one instant.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const liveBlockBytes = 65_536;

export interface LiveBlocks {
  /** Sequence number of each whole block, in the file's order. */
  readonly sequences: readonly number[];
  /** Positions (counted in blocks) that hold a mixture, or the beginning of a block only. */
  readonly torn: readonly number[];
}

/** Examines the file at `path`, one block at a time. */
export async function readLiveBlocks(path: string): Promise<LiveBlocks> {
  await using file = await open(path, 'r');
  const sequences: number[] = [];
  const torn: number[] = [];
  const buffer = Buffer.alloc(liveBlockBytes);
  for (let position = 0; ; position++) {
    const { bytesRead } = await file.read(buffer, 0, liveBlockBytes, position * liveBlockBytes);
    if (bytesRead === 0) return { sequences, torn };
    const sequence = bytesRead === liveBlockBytes ? sequenceOf(buffer) : undefined;
    if (sequence === undefined) torn.push(position);
    else sequences.push(sequence);
  }
}

/** The block's own sequence number, or undefined when its content is not what it says. */
function sequenceOf(block: Buffer): number | undefined {
  const header = /^LIVEBLOCK (\d{16}) ([0-9a-f]{64})\n/.exec(block.toString('latin1', 0, 92));
  const [whole, digits, checksum] = header ?? [];
  if (whole === undefined || digits === undefined) return undefined;
  const actual = createHash('sha256').update(digits).update(block.subarray(whole.length)).digest('hex');
  return actual === checksum ? Number(digits) : undefined;
}
