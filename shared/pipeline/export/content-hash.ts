/**
 * The SHA-256 of a file, as sha256sum(1) prints it. Of a file with holes of more than 1 GiB it is that of what is stored and
 * of where that lies: to hash zeros for an hour would prove nothing more.
 */
import { createHash } from 'node:crypto';
import type { TarEntry } from '../../tar/entry.ts';
import { expandSparse, storedBytes } from '../../tar/sparse.ts';

const MOST_HOLES = 1024 ** 3;
const ZEROS = Buffer.alloc(1024 * 1024);

export interface ContentHash {
  readonly hex: string;
  /** Of all of it, or of its parts and where they lie. */
  readonly of: 'content' | 'parts';
}

/**
 * Reads the content of an entry to its end.
 * @param onData called with each piece that is stored, and awaited
 * @param onBytes called with the size of content as it comes, holes included
 */
export async function hashContent(
  entry: TarEntry,
  onData: (data: Buffer) => Promise<void> | void,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<ContentHash> {
  const { sparse, size } = entry;
  const isOfParts = sparse !== undefined && size - storedBytes(sparse) > MOST_HOLES;
  const hash = createHash('sha256');
  if (isOfParts) hash.update(`${size} ${sparse.join(' ')}\n`);
  for await (const event of expandSparse(entry)) {
    if (event.kind === 'data') {
      hash.update(event.data);
      const taken = onData(event.data);
      if (taken !== undefined) await taken;
      onBytes(event.data.length);
      continue;
    }
    onBytes(event.length);
    if (isOfParts) continue;
    for (let left = event.length; left > 0; left -= ZEROS.length) {
      hash.update(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
    }
  }
  return { hex: hash.digest('hex'), of: isOfParts ? 'parts' : 'content' };
}
