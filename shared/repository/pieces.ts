/** The pieces that files are cut into, as restic cuts them. Each is a blob. */
import type { BlobId } from './ids.ts';

/** Only the last piece of a file may be shorter; pieces of zeros are never longer. */
export const LEAST_PIECE_BYTES = 512 * 1024;
export const MOST_PIECE_BYTES = 8 * 1024 * 1024;

/** Equal ones, one after the other; more than one only of zeros. */
export interface PendingPieces {
  /** Of each. */
  readonly bytes: number;
  readonly count: number;
  /** When it is in a pack or was known. */
  readonly id: Promise<BlobId>;
}

export async function idsOfPieces(all: readonly PendingPieces[]): Promise<readonly BlobId[]> {
  const ids: BlobId[] = [];
  for (const { count, id } of all) {
    const one = await id;
    for (let n = 0; n < count; n += 1) ids.push(one);
  }
  return ids;
}
