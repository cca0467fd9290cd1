/**
 * What is to be written of a file. Blobs of nothing but zeros become holes without being read: their ids say what they
 * hold. So a sparse disk image comes back sparse, and its holes cost nothing.
 */
import { type BlobId, blobIdOf } from '../../repository/ids.ts';
import { LEAST_PIECE_BYTES } from '../../repository/pieces.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import type { SparseMap } from '../../tar/entry.ts';

export interface FilePlan {
  readonly size: number;
  readonly sparse: SparseMap | undefined;
  /** The blobs to write, in order. */
  readonly stored: readonly BlobId[];
  readonly storedBytes: number;
}

export class ZeroBlobs {
  #piece: BlobId | undefined;

  /** `isTail`: it ends a file behind a hole, and so may have any length; others are cut at the least one. */
  has(id: BlobId, length: number, isTail: boolean): boolean {
    if (length === LEAST_PIECE_BYTES) return id === (this.#piece ??= blobIdOf(Buffer.alloc(length)));
    return isTail && length > 0 && blobIdOf(Buffer.alloc(length)) === id;
  }
}

/** The id of the first blob that the repository does not have, or the plan. */
export function planFile(
  content: readonly BlobId[],
  repository: Pick<PointReader, 'blobSize'>,
  zeros: ZeroBlobs,
): FilePlan | { readonly missing: BlobId } {
  const parts: number[] = [];
  const stored: BlobId[] = [];
  let size = 0;
  let storedBytes = 0;
  let isAfterHole = false;
  for (const [index, id] of content.entries()) {
    const length = repository.blobSize('data', id);
    if (length === undefined) return { missing: id };
    if (zeros.has(id, length, isAfterHole && index === content.length - 1)) {
      isAfterHole = true;
    } else {
      if (parts.length > 0 && !isAfterHole) parts.push((parts.pop() ?? 0) + length);
      else parts.push(size, length);
      stored.push(id);
      storedBytes += length;
      isAfterHole = false;
    }
    size += length;
  }
  return { size, stored, storedBytes, sparse: storedBytes === size ? undefined : Float64Array.from(parts) };
}

/** Zeros are worth a hole from this length on, at multiples of it. */
const HOLE_BYTES = 64 * 1024;
const HOLE = Buffer.alloc(HOLE_BYTES);

export interface HeldFile {
  readonly sparse: SparseMap | undefined;
  readonly pieces: readonly Buffer[];
}

/** For a file whose whole content is at hand: finds holes inside its blobs too. */
export function findHoles(plan: FilePlan, blobs: readonly Buffer[]): HeldFile {
  if (plan.storedBytes < HOLE_BYTES) return { sparse: plan.sparse, pieces: blobs };
  const map = plan.sparse ?? Float64Array.of(0, plan.size);
  const stored = blobs.length === 1 ? (blobs[0] ?? HOLE) : Buffer.concat(blobs);
  const parts: number[] = [];
  const pieces: Buffer[] = [];
  let at = 0;
  for (let part = 0; part < map.length; part += 2) {
    const end = (map[part] ?? 0) + (map[part + 1] ?? 0);
    let offset = map[part] ?? 0;
    while (offset < end) {
      const stop = Math.min(end, (Math.floor(offset / HOLE_BYTES) + 1) * HOLE_BYTES);
      const piece = stored.subarray(at, at + stop - offset);
      if (piece.length < HOLE_BYTES || !piece.equals(HOLE)) {
        const isAdjacent = parts.length > 0 && (parts.at(-2) ?? 0) + (parts.at(-1) ?? 0) === offset;
        if (isAdjacent) parts.push((parts.pop() ?? 0) + piece.length);
        else parts.push(offset, piece.length);
        pieces.push(piece);
      }
      at += piece.length;
      offset = stop;
    }
  }
  const kept = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return kept === plan.size ? { sparse: undefined, pieces: blobs } : { sparse: Float64Array.from(parts), pieces };
}
